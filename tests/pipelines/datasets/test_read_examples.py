import os
from pathlib import Path

import pytest
import tensorflow as tf

from pipelines.datasets.read_examples import read_examples
from pipelines.preparation.feature import Feature
from pipelines.preparation.parse_spec import parse_spec
from pipelines.preparation.write_examples import write_examples
from pipelines.readers.check_records import check_records

FEATURES = {
    "label": Feature("label", "int64", "fixed", "clicked"),
    "n": Feature("n", "int64", "fixed", "number of the row"),
    "age": Feature("age", "int64", "fixed", "years", default=29),
    "word": Feature("word", "string", "fixed", "a word", default="none"),
    "history": Feature("history", "int64", "variable", "items"),
    "history_age": Feature("history_age", "float32", "variable", "days"),
}
SPEC = parse_spec(FEATURES.values())


def row(n: int) -> dict:
    return {
        "label": n % 2,
        "n": n,
        "age": None if n % 3 == 0 else n,
        "word": "é",
        "history": list(range(n % 4)),
        "history_age": [0.5] * (n % 4),
    }


def written(folder: Path, count: int = 23, num_shards: int = 3) -> list[Path]:
    names = write_examples((row(n) for n in range(count)), FEATURES, folder, "train", num_shards)
    return [folder / name for name in names]


def numbers(data: object) -> list[int]:
    return [int(n) for features, _ in data for n in features["n"]]  # type: ignore[attr-defined]


def test_what_was_written_is_read_in_its_order(tmp_path: Path) -> None:
    batches = list(read_examples(written(tmp_path), SPEC, "label", 5))
    assert [len(labels) for _, labels in batches] == [5, 5, 5, 5, 3]
    n = 0
    for features, labels in batches:
        assert isinstance(features["history"], tf.SparseTensor)
        assert set(features) == set(FEATURES) - {"label"}
        lists = tf.RaggedTensor.from_sparse(features["history"]).to_list()
        ages = tf.RaggedTensor.from_sparse(features["history_age"]).to_list()
        assert labels.shape[1:] == [1]
        assert labels.dtype == tf.float32
        for place, label in enumerate(labels.numpy().ravel()):
            expected = row(n)
            assert label == expected["label"]
            assert features["n"][place] == n
            assert features["age"][place] == (29 if expected["age"] is None else n)
            assert features["word"][place] == "é".encode()
            assert lists[place] == expected["history"]
            assert ages[place] == expected["history_age"]
            n += 1
    assert n == 23


def test_rows_are_shuffled_by_the_seed_and_anew_each_epoch(tmp_path: Path) -> None:
    files = written(tmp_path)
    data = read_examples(files, SPEC, "label", 5, shuffle_buffer=23, seed=1)
    first, second = numbers(data), numbers(data)
    assert sorted(first) == sorted(second) == list(range(23))
    assert first != second
    assert first != sorted(first)
    again = read_examples(files, SPEC, "label", 5, shuffle_buffer=23, seed=1)
    assert [numbers(again), numbers(again)] == [first, second]
    assert numbers(read_examples(files, SPEC, "label", 5, shuffle_buffer=23, seed=2)) != first
    # Rows, not batches: the first batch of an epoch is not one of the file's batches.
    assert max(first[:5]) - min(first[:5]) > 4


def test_batches_have_the_same_rows_whatever_their_size(tmp_path: Path) -> None:
    files = written(tmp_path)
    orders = [
        numbers(read_examples(files, SPEC, "label", size, shuffle_buffer=7, seed=3))
        for size in (1, 4, 23)
    ]
    assert orders[0] == orders[1] == orders[2]


def test_an_empty_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    files = written(tmp_path)
    files[1].write_bytes(b"")
    with pytest.raises(ValueError, match=r"train-00001-of-00003.*Received: an empty file"):
        read_examples(files, SPEC, "label", 5)


def test_a_cut_file_is_an_error_that_names_file_and_record(tmp_path: Path) -> None:
    (path,) = written(tmp_path, count=3, num_shards=1)
    whole = path.read_bytes()
    ends = []
    for count in (1, 2):
        (one,) = written(tmp_path, count=count, num_shards=1)
        ends.append(len(one.read_bytes()))
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


def test_a_wrong_type_is_an_error_that_names_feature_file_and_record(tmp_path: Path) -> None:
    wrong = {**FEATURES, "age": Feature("age", "float32", "fixed", "years")}
    good = written(tmp_path, count=5, num_shards=1)
    rows = [row(n) for n in (0, 3, 7)]  # only the last of them has an age
    bad = [tmp_path / name for name in write_examples(rows, wrong, tmp_path, "bad", 1)]
    data = read_examples([*good, *bad], SPEC, "label", 4, shuffle_buffer=8)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        list(data)
    text = str(caught.value)
    assert "bad-00000-of-00001.tfrecord record 2, Key: age" in text
    assert "Data type: float but expected type: int64" in text


def test_a_missing_label_is_an_error_that_names_file_and_record(tmp_path: Path) -> None:
    unlabelled = {"n": FEATURES["n"]}
    (name,) = write_examples([row(0)], unlabelled, tmp_path, "bad", 1)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"bad-.* record 0, Feature: label"):
        list(read_examples([tmp_path / name], SPEC, "label", 4))


@pytest.mark.parametrize(
    ("name", "value"),
    [("age", "young"), ("age", 1.5), ("word", 3), ("history", [1, "x"]), ("history", 7)],
)
def test_a_value_that_does_not_fit_is_an_error_that_names_feature_and_row(
    tmp_path: Path, name: str, value: object
) -> None:
    rows = [row(1), {**row(2), name: value}]
    with pytest.raises(ValueError, match=f"`{name}` must be .* Received: {name}=.* in row 1"):
        write_examples(rows, FEATURES, tmp_path, "train", 1)


def test_files_batch_size_and_shards_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`files` must not be empty"):
        read_examples([], SPEC, "label", 5)
    with pytest.raises(ValueError, match="`batch_size` must be positive"):
        read_examples(written(tmp_path), SPEC, "label", 0)
    with pytest.raises(ValueError, match="`num_shards` must be positive"):
        write_examples([], FEATURES, tmp_path, "train", 0)
    with pytest.raises(FileNotFoundError):
        read_examples([tmp_path / "none.tfrecord"], SPEC, "label", 5)
    assert "none.tfrecord" not in os.listdir(tmp_path)
