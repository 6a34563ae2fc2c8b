import contextlib
import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.training import Training
from pipelines.training import checkpoints
from pipelines.training.train import locked_folder, train
from tests.pipelines.training import examples
from tests.pipelines.training.test_resume import at_call

SETTINGS = Training(epochs=3, checkpoint_every=4, steps_per_call=1)


def run(folder: Path, batches: Any = None, *, resume: bool = False, **changed: Any) -> Any:
    model = changed.pop("model", None) or examples.model()
    batches = batches or examples.batches()
    settings = SETTINGS.model_copy(update=changed)
    history = train(model, batches, examples.validation(), folder, settings, resume=resume)
    return examples.weights(model), examples.numbers(history.epochs)


def assert_same(one: Any, other: Any) -> None:
    assert one[1] == other[1]
    for name, weight in one[0].items():
        np.testing.assert_array_equal(weight, other[0][name], err_msg=name)


def steps(folder: Path) -> list[int]:
    return sorted(int(path.name[5:]) for path in (folder / "checkpoints").glob("step-*"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("faults") / "whole"


@pytest.fixture(scope="module")
def whole(finished: Path) -> Any:
    return run(finished)


# A damaged checkpoint.


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("tensors.data-00000-of-00001", cut),
        pytest.param("state.json", flip, marks=pytest.mark.long),
        pytest.param("checksums.json", cut, marks=pytest.mark.long),
        pytest.param("tensors.index", os.remove, marks=pytest.mark.long),
    ],
)
def test_a_damaged_checkpoint_is_skipped_for_the_one_before_and_said_so(
    file: str, damage: Any, whole: Any, finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    damage(tmp_path / "run" / "checkpoints" / "step-000000000018" / file)
    with pytest.warns(UserWarning, match=r"damaged.*Going on from step-000000000016"):
        again = run(tmp_path / "run", resume=True)
    assert_same(again, whole)


@pytest.mark.long
def test_a_checkpoint_whose_best_weights_are_damaged_is_skipped_too(
    whole: Any, tmp_path: Path
) -> None:
    run(tmp_path, epochs=1)
    flip(tmp_path / "checkpoints" / "best-000000000006" / "tensors.data-00000-of-00001")
    with pytest.warns(UserWarning, match="best-000000000006 is damaged.*from step-000000000004"):
        again = run(tmp_path, resume=True)
    assert_same(again, whole)


@pytest.mark.usefixtures("whole")
def test_a_run_without_any_whole_checkpoint_is_an_error(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    for path in (tmp_path / "run" / "checkpoints").glob("step-*"):
        cut(path / "tensors.index")
    with pytest.raises(ValueError, match=r"must hold a checkpoint that is whole.*step-.*16.*damag"):
        run(tmp_path / "run", resume=True)


# A full disk.


@contextlib.contextmanager
def small_disk(path: Path, size: str) -> Iterator[Path]:
    path.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


@pytest.mark.long
def test_a_disk_that_fills_up_leaves_the_checkpoints_before(whole: Any, tmp_path: Path) -> None:
    if shutil.which("mount") is None:
        pytest.skip("no file system can be mounted here")
    with small_disk(tmp_path / "disk", "1m") as disk:
        folder = disk / "run"

        def batches(epoch: int, skip: int) -> Any:
            if epoch == 1:
                room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
                (disk / "ballast").write_bytes(b"\0" * (room - 6000))
            return examples.batches()(epoch, skip)

        with pytest.raises(
            OSError, match=r"`folder` must take checkpoints.*step-000000000006"
        ) as e:
            run(folder, batches)
        assert e.value.errno == errno.ENOSPC
        assert steps(folder)[-1] == 6
        assert not list((folder / "checkpoints").glob(".*"))
        (disk / "ballast").unlink()
        assert_same(run(folder, resume=True), whole)


@pytest.mark.long
def test_a_disk_that_is_said_to_be_full_leaves_the_checkpoints_before(
    whole: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "_checksum", at_call(13, full, checkpoints._checksum))
        with pytest.raises(OSError, match="No space left on device") as error:
            run(tmp_path)
    assert error.value.errno == errno.ENOSPC
    assert_same(run(tmp_path, resume=True), whole)


# Numbers that are none.


@pytest.mark.long
def test_a_loss_that_is_not_a_number_stops_with_the_last_good_checkpoint(
    whole: Any, tmp_path: Path
) -> None:
    def poisoned(epoch: int, skip: int) -> Any:
        batches = examples.batches()(epoch, skip)
        bad = batches.map(lambda x, y: (x, y * float("nan")))
        return bad if epoch == 1 else batches

    with pytest.raises(ValueError, match=r"finite loss.*epoch 1, by step 7.*step-000000000006"):
        run(tmp_path, poisoned)
    assert steps(tmp_path)[-1] == 6
    assert_same(run(tmp_path, resume=True), whole)


@pytest.mark.long
def test_a_ready_model_stops_before_the_update(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"finite loss.*smaller learning rate.*The last checkpoint"
    ):
        run(tmp_path, model=examples.afm(tfrs_afm.optimizers.SGD(1e30)))


# Data that is not there.


def files_of(folder: Path) -> list[Path]:
    """Batches of the small data set in two files, a record a batch."""
    folder.mkdir()
    names = [folder / "a.tfrecord", folder / "b.tfrecord"]
    for number, name in enumerate(names):
        with tf.io.TFRecordWriter(str(name)) as writer:
            for batch in range(3):
                writer.write(f"{3 * number + batch}".encode())
    return names


def read(names: list[Path]) -> Any:
    """Batches in the order of the files, whatever the epoch."""
    features, labels = examples.rows()

    def of(epoch: int, skip: int) -> Any:
        def parse(record: Any) -> Any:
            rows = tf.strings.to_number(record, tf.int64) * 8 + tf.range(8, dtype=tf.int64)
            picked = {name: tf.gather(values, rows) for name, values in features.items()}
            return examples.as_sparse(picked, tf.gather(labels, rows))

        return tf.data.TFRecordDataset([str(name) for name in names]).skip(skip).map(parse)

    return of


def test_a_folder_that_tensorflow_takes_for_a_pattern_is_refused(tmp_path: Path) -> None:
    """Its weights could be written and not be read back."""
    with pytest.raises(ValueError, match=r"`folder` must have no \*, \? or \[ in its path"):
        train(None, lambda epoch, skip: None, None, tmp_path / "run[5]", Training())
    assert not any(tmp_path.iterdir())


@pytest.mark.long
def test_a_file_that_vanishes_is_named_and_the_run_goes_on_when_it_is_back(tmp_path: Path) -> None:
    names = files_of(tmp_path / "data")
    expected = run(tmp_path / "whole", read(names))

    def vanishing(epoch: int, skip: int) -> Any:
        if epoch == 1:
            names[1].rename(tmp_path / "kept")
        return read(names)(epoch, skip)

    with pytest.raises(ValueError, match=r"must be readable to the end.*b\.tfrecord.*epoch 1"):
        run(tmp_path / "run", vanishing)
    (tmp_path / "kept").rename(names[1])
    assert_same(run(tmp_path / "run", read(names), resume=True), expected)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (-1, r"must be readable to the end.*truncated.*resume=True.*step-"),
        # Cut between two records: TensorFlow sees nothing wrong with it.
        (-17, r"as many batches in each epoch.*Received: 5 in epoch 1, 6 expected"),
    ],
)
@pytest.mark.long
def test_a_file_that_ends_early_is_noticed(end: int, message: str, tmp_path: Path) -> None:
    names = files_of(tmp_path / "data")
    expected = run(tmp_path / "whole", read(names))
    content = names[1].read_bytes()

    def shrinking(epoch: int, skip: int) -> Any:
        if epoch == 1:
            names[1].write_bytes(content[:end])
        return read(names)(epoch, skip)

    with pytest.raises(ValueError, match=message):
        run(tmp_path / "run", shrinking)
    names[1].write_bytes(content)
    assert_same(run(tmp_path / "run", read(names), resume=True), expected)


# Two runs in one folder.

_HOLD = """
import sys
from pathlib import Path
from pipelines.training.train import locked_folder
with locked_folder(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.mark.long
def test_a_folder_in_use_is_refused_and_free_again_when_its_process_is_killed(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    other = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(ValueError, match=f"in use by process {other.pid}"):
            run(tmp_path)
        other.kill()
    with locked_folder(tmp_path):
        pass


def test_a_process_cannot_use_a_folder_twice_either(tmp_path: Path) -> None:
    with locked_folder(tmp_path), pytest.raises(ValueError, match=f"process {os.getpid()}"):
        run(tmp_path)
