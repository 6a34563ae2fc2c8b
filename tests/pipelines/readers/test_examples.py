from pathlib import Path

import pytest
import tensorflow as tf

from pipelines.readers.examples import check_records


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
