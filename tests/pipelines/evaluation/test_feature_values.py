from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipelines.evaluation.feature_values import feature_values, read_feature

BAD = b"a\xff"
RAGGED = tf.ragged.constant([[[1, 2], [3]], [], [[]], [[4]]])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (tf.constant([[b"a"], ["é".encode()], [BAD]]), ["a", "é", "a\ufffd"]),
        (tf.constant([1.5, 2.0]), [1.5, 2.0]),
        (tf.constant([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (tf.constant([[[1, 2], [3, 4]]]), [[1, 2, 3, 4]]),
        (tf.constant(b"\xff"), ["\ufffd"]),
        (tf.constant(7), [7]),
        (tf.constant([True, False]), [True, False]),
        (tf.zeros([0]), []),
        (tf.zeros([0, 3]), []),
        (tf.zeros([2, 0]), [[], []]),
        (np.array([b"a", BAD]), ["a", "a\ufffd"]),
        (np.array([b"a", "b"], object), ["a", "b"]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array([[1], [2]], np.int32), [1, 2]),
        (tf.ragged.constant([[b"a", BAD], [], [b"b"]]), [["a", "a\ufffd"], [], ["b"]]),
        (RAGGED, [[1, 2, 3], [], [], [4]]),
        (RAGGED[:0], []),
        (RAGGED[2:], [[], [4]]),
        (
            tf.RaggedTensor.from_row_lengths([[1, 2], [3, 4], [5, 6]], [2, 1]),
            [[1, 2, 3, 4], [5, 6]],
        ),
        (tf.sparse.from_dense([[b"a", BAD], [b"", b""]]), [["a", "a\ufffd"], []]),
        (tf.sparse.from_dense([[1], [0], [3]]), [[1], [], [3]]),
        (tf.sparse.from_dense([0, 5]), [[], [5]]),
        (tf.SparseTensor(np.empty((0, 2), np.int64), np.empty(0, np.int64), [2, 0]), [[], []]),
    ],
)
def test_values_of_any_tensor_are_plain(value: Any, expected: list[Any]) -> None:
    found = feature_values(value)
    assert found == expected
    flat = [one for row in found for one in (row if isinstance(row, list) else [row])]
    assert {type(one) for one in flat} <= {int, float, str, bool}


def test_a_feature_of_examples_is_read_by_the_same_rule(tmp_path: Path) -> None:
    with tf.io.TFRecordWriter(str(tmp_path / "train-0.tfrecord")) as file:
        for words in ([b"a"], [BAD], []):
            word = tf.train.Feature(bytes_list=tf.train.BytesList(value=words))
            feature = {"word": word} if words else {}
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            file.write(example.SerializeToString())
    spec: Any = SimpleNamespace(  # what it reads of a FeatureSpec
        features={"word": SimpleNamespace(dtype="string")},
        files=lambda folder, part: [folder / f"{part}-0.tfrecord"],
    )
    read = read_feature(spec, tmp_path, "train", "word")
    assert read.tolist() == ["a", "a\ufffd", ""]
