"""The notebooks say what is true of made-up data, and assert it: each is executed as it is."""

from pathlib import Path

import nbformat
import pytest

from tests.programs import run_cells

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_kept_without_outputs(name: str) -> None:
    """A change then shows what was changed; titles and order are those of the site."""
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert notebook.cells[0].source.startswith("# ")


@pytest.mark.long
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    cells = nbformat.read(FOLDER / name, as_version=4).cells
    run_cells([cell.source for cell in cells if cell.cell_type == "code"], tmp_path)


@pytest.mark.long
def test_a_cell_that_fails_fails_its_notebook(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="not as planted"):
        run_cells(["x = 1", "assert x == 2, 'not as planted'", "y = 3"], tmp_path)
    run_cells(["x = 1", "assert x == 1"], tmp_path)
