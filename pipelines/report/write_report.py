"""The report of a run."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.configuration.configuration import Configuration
from pipelines.files.write_text import write_text
from pipelines.report.gather_contents import gather_contents
from pipelines.report.render_page import render_page


def write_report(
    configuration: Configuration, out: Path, part: str = "test", beside: Sequence[Path] = ()
) -> Path:
    """Writes `report.html` into the folder of a run: one page that needs no other file.

    Args:
        configuration: That of the run; its section `evaluation` may be another.
        out: The folder of a run that is trained and judged.
        part: The part that curves, slices, pairs and examples are about.
        beside: Folders of other runs on the same examples, to compare with.

    Returns:
        The file.

    Raises:
        ValueError: As `gather_contents`.
    """
    file = out / "report.html"
    write_text(file, render_page(gather_contents(configuration, out, part, beside)))
    return file
