"""A link in the folder of a run is not written through and nothing is removed behind it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tensorflow as tf

from pipelines.files.atomic import atomic_folder, write_text
from pipelines.training.checkpoints import Checkpoints, RunState
from pipelines.training.records import Records
from pipelines.training.train import locked_folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder of somebody else's, whose files must be as they were afterwards."""
    folder = tmp_path / "elsewhere"
    (folder / ".ssh").mkdir(parents=True)
    (folder / ".ssh" / "key").write_text("secret")
    (folder / "file").write_text("kept")
    (folder / "train").mkdir()
    (folder / "train" / "data.csv").write_text("rows")

    def content() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = content()
    yield folder
    assert before.items() <= content().items()


def checkpoints(folder: Path) -> Checkpoints:
    tensors = tf.train.Checkpoint(number=tf.Variable(1.0))
    return Checkpoints(folder, tensors, tensors, keep=1)


def save_twice(run: Path, elsewhere: Path) -> None:
    (run / "checkpoints").mkdir()
    for name in ("step-000000000000", "best-000000000000", ".step-000000000009.x.partial"):
        (run / "checkpoints" / name).symlink_to(elsewhere)
    kept = checkpoints(run / "checkpoints")
    for step in (1, 2):
        kept.save_best(step)
        kept.save(RunState(step=step, best_step=step))
    names = ["best-000000000002", "step-000000000002"]
    assert sorted(path.name for path in (run / "checkpoints").iterdir()) == names


def save_into_another_folder(run: Path, elsewhere: Path) -> None:
    """All that was hidden there was removed."""
    (run / "checkpoints").symlink_to(elsewhere, target_is_directory=True)
    kept = checkpoints(run / "checkpoints")
    assert kept.last() is None


def log(run: Path, elsewhere: Path) -> None:
    (run / "logs").symlink_to(elsewhere, target_is_directory=True)
    (run / "history.jsonl").symlink_to(elsewhere / "file")
    Records(run, [{"epoch": 0, "step": 1, "loss": 0.5}]).close()
    assert not (run / "history.jsonl").is_symlink()


def lock(run: Path, elsewhere: Path) -> None:
    (run / ".lock").symlink_to(elsewhere / "file")
    with pytest.raises(OSError, match=r"\.lock"), locked_folder(run):
        pass


def replace(run: Path, elsewhere: Path) -> None:
    (run / "metrics.json").symlink_to(elsewhere / "file")
    write_text(run / "metrics.json", "{}")
    for target in (elsewhere, elsewhere / "file", elsewhere / "nothing"):
        (run / "data").symlink_to(target)
        with atomic_folder(run / "data") as folder:
            (folder / "new").touch()
        assert os.listdir(run / "data") == ["new"]
        (run / "data" / "new").unlink()
        (run / "data").rmdir()
    assert (run / "metrics.json").read_text() == "{}"


@pytest.mark.parametrize("act", [save_twice, save_into_another_folder, log, lock, replace])
def test_what_a_link_leads_to_stays_as_it_is(
    act: Callable[[Path, Path], None], elsewhere: Path, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    act(tmp_path / "run", elsewhere)
