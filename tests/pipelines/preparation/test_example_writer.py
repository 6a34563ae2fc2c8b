import os
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from pipelines.events.prepare_in_memory import write_examples
from pipelines.preparation.feature_spec import Feature, parse_spec

FEATURES = {
    "label": Feature("label", "int64", "fixed", "clicked"),
    "n": Feature("n", "int64", "fixed", "number of the row"),
    "age": Feature("age", "int64", "fixed", "years", default=29),
    "word": Feature("word", "string", "fixed", "a word", default="none"),
    "history": Feature("history", "int64", "variable", "items"),
    "history_age": Feature("history_age", "float32", "variable", "days"),
}


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
    names = write_examples((row(n) for n in range(23)), FEATURES, tmp_path, "train", 3)
    assert names == tuple(f"train-{n:05d}-of-00003.tfrecord" for n in range(3))
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
        write_examples(rows, FEATURES, tmp_path, "train", 1)


def test_there_must_be_a_shard(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`num_shards` must be positive"):
        write_examples([], FEATURES, tmp_path, "train", 0)
    assert os.listdir(tmp_path) == []
