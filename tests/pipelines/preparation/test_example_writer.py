import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from pipelines.preparation.example_writer import PartWriters
from pipelines.preparation.feature_spec import Feature, parse_spec

FEATURES = {
    "label": Feature("label", "int64", "fixed", "clicked"),
    "n": Feature("n", "int64", "fixed", "number of the row"),
    "age": Feature("age", "int64", "fixed", "years", default=29),
    "word": Feature("word", "string", "fixed", "a word", default="none"),
    "history": Feature("history", "int64", "variable", "items"),
    "history_age": Feature("history_age", "float32", "variable", "days"),
}


def write_examples(rows: Iterable[dict[str, Any]], folder: Path, num_shards: int) -> list[str]:
    with PartWriters.open(FEATURES, "label", ["train"], num_shards, folder) as writers:
        for one in rows:
            writers.write("train", one)
        return list(writers.counted()["train"].files)


def row(n: int) -> dict[str, Any]:
    return {
        "label": n % 2,
        "n": n,
        "age": None if n % 3 == 0 else n,
        "word": "é",
        "history": list(range(n % 4)),
        "history_age": [0.5] * (n % 4),
    }


def test_what_was_written_is_parsed_in_its_order_from_the_shards_in_turn(tmp_path: Path) -> None:
    names = write_examples((row(n) for n in range(23)), tmp_path, 3)
    assert names == [f"train-{n:05d}-of-00003.tfrecord" for n in range(3)]
    shards = [list(tf.data.TFRecordDataset(str(tmp_path / name))) for name in names]
    assert [len(shard) for shard in shards] == [8, 8, 7]
    records = [shards[n % 3][n // 3] for n in range(23)]
    found = tf.io.parse_example(records, parse_spec(FEATURES.values()))
    lists = {
        name: tf.RaggedTensor.from_sparse(found[name]).to_list()
        for name in FEATURES
        if name.startswith("history")
    }
    for n in range(23):
        expected = row(n)
        assert found["label"][n] == expected["label"]
        assert found["n"][n] == n
        assert found["age"][n] == (29 if expected["age"] is None else n)
        assert found["word"][n] == "é".encode()
        assert lists["history"][n] == expected["history"]
        assert lists["history_age"][n] == expected["history_age"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("age", "young"), ("age", 1.5), ("word", 3), ("history", [1, "x"]), ("history", 7)],
)
def test_a_value_that_does_not_fit_is_an_error_that_names_feature_and_row(
    tmp_path: Path, name: str, value: object
) -> None:
    rows = [row(1), {**row(2), name: value}]
    with pytest.raises(ValueError, match=f"`{name}` must be .* Received: {name}=.* in row 1"):
        write_examples(rows, tmp_path, 1)


def test_of_a_split_with_fewer_rows_than_files_the_files_with_rows_stay(tmp_path: Path) -> None:
    assert write_examples([row(1), row(2)], tmp_path, 3) == [
        "train-00000-of-00003.tfrecord",
        "train-00001-of-00003.tfrecord",
    ]
    assert len(os.listdir(tmp_path)) == 2


def test_a_split_without_rows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must give rows to the split train"):
        write_examples([], tmp_path, 1)
