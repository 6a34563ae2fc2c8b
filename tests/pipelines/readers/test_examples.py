import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from pipelines.readers.bad_rows import BadRows
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.examples import check_records, damage_named
from pipelines.readers.formats import FormatOptions
from pipelines.readers.read_rows import read_rows


def test_a_cut_file_is_an_error_that_names_file_and_record(tmp_path: Path) -> None:
    path, ends = tmp_path / "a.tfrecord", []
    with tf.io.TFRecordWriter(str(path)) as file:
        for record in (b"first", b"", b"the third record"):
            file.write(record)
            file.flush()
            ends.append(path.stat().st_size)
    whole = path.read_bytes()
    for size in range(1, len(whole)):
        path.write_bytes(whole[:size])
        if size in ends:  # a cut between records is a shorter file, and cannot be told from one
            assert check_records(path) == ends.index(size) + 1
            continue
        record = sum(size > end for end in ends)
        with pytest.raises(ValueError, match=rf"{path.name}.*cut inside record {record}\."):
            check_records(path)
    path.write_bytes(whole)
    assert check_records(path) == 3


def test_an_empty_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    path.touch()
    with pytest.raises(ValueError, match=rf"{path.name}.*Received: an empty file"):
        check_records(path)


def test_a_missing_file_is_an_error_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        check_records(tmp_path / "none.tfrecord")
    assert not (tmp_path / "none.tfrecord").exists()


SOUND, DAMAGED = 700, 1000
READERS: dict[str, Callable[[Path, str], object]] = {
    "rows": lambda path, bad: list(
        read_rows([path], FormatOptions("tfrecord"), {"user": "int64"}, BadRows(bad))
    ),
    "batches": lambda path, bad: list(
        Batches(
            [path],
            FormatOptions("tfrecord"),
            {"user": tf.io.FixedLenFeature([], tf.int64)},
            BatchOptions("user", batch_size=50),
            BadRows(bad),
        )
    ),
}


@pytest.fixture(scope="module")
def records() -> list[bytes]:
    """Records of one length, as TensorFlow writes them."""
    value = tf.train.Feature(int64_list=tf.train.Int64List(value=[7]))
    example = tf.train.Example(features=tf.train.Features(feature={"user": value}))
    return [example.SerializeToString()] * DAMAGED


@pytest.mark.matrix
@pytest.mark.parametrize("bad", ["error", "skip"])
@pytest.mark.parametrize("place", [8, 14, -1], ids=["length's sum", "data", "sum"])
@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("reader", READERS)
def test_a_record_that_is_not_as_written_is_named_and_never_left_out(
    reader: str, ending: str, place: int, bad: str, records: list[bytes], tmp_path: Path
) -> None:
    path = tmp_path / "plain"
    with tf.io.TFRecordWriter(str(path)) as file:
        for record in records:
            file.write(record)
    size = path.stat().st_size // DAMAGED
    content = bytearray(path.read_bytes())
    content[SOUND * size + place % size] ^= 1
    path = tmp_path / f"a.tfrecord{ending}"
    path.write_bytes(gzip.compress(content) if ending else content)
    with pytest.raises(
        ValueError, match=rf"`{path}` must be whole TFRecord.* a fault in record {SOUND}: corrupted"
    ):
        READERS[reader](path, bad)


def test_an_error_that_damage_was_the_cause_of_says_both(tmp_path: Path) -> None:
    paths = [tmp_path / "a.tfrecord", tmp_path / "b.tfrecord"]
    for path in paths:
        with tf.io.TFRecordWriter(str(path)) as file:
            file.write(b"a record")
    content = bytearray(paths[1].read_bytes())
    content[14] ^= 1
    paths[1].write_bytes(content)
    lost = tf.errors.DataLossError(None, None, "corrupted record at 0")
    with (
        pytest.raises(ValueError, match=r"b\.tfrecord.* record 0: .*\. Go on\."),
        damage_named(paths),
    ):
        raise ValueError("Go on.") from lost
    with pytest.raises(ValueError, match=r"^Another\.$"), damage_named(paths):
        raise ValueError("Another.")
    with pytest.raises(tf.errors.DataLossError), damage_named(paths[:1]):  # of other files
        raise lost
