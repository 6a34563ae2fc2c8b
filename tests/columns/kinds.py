"""Every kind of column with features for it, scalar and sequence."""

import pathlib
from typing import Any

import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
DIM = 3
INTS = [[1, 4], [], [2, 2, 0], [5]]
WORDS = [["a", "b"], [], ["c", "unknown", "a"], ["b"]]
FLOATS = [[0.5, 2.0], [], [3.0, 1.0, 4.0], [2.5]]
NUMBERS = [[0.5], [2.0], [-1.0], [7.0]]


def ragged(rows: list, dtype: Any) -> Any:
    return tf.ragged.constant(rows, dtype, ragged_rank=1)


def features() -> dict[str, Any]:
    """One batch of four that every kind can read."""
    return {
        "ints": ragged(INTS, tf.int64).to_sparse(),
        "words": ragged(WORDS, tf.string).to_sparse(),
        "floats": ragged(FLOATS, tf.float32).to_sparse(),
        "number": tf.constant(NUMBERS),
        "pair": tf.constant([[1.0, 2.0], [0.0, 1.0], [3.0, -1.0], [2.0, 2.0]]),
    }


def vocabulary(folder: pathlib.Path) -> str:
    path = folder / "words.txt"
    path.write_text("a\nb\nc\n", encoding="utf-8")
    return str(path)


def scalar(folder: pathlib.Path) -> dict[str, Any]:
    """Categorical columns without an order."""
    ints = fc.categorical_column_with_identity("ints", 6)
    buckets = fc.bucketized_column(fc.numeric_column("number"), [0.0, 1.0, 5.0])
    return {
        "identity": ints,
        "identity_default": fc.categorical_column_with_identity("ints", 3, default_value=0),
        "vocabulary_list": fc.categorical_column_with_vocabulary_list("words", ["a", "b", "c"]),
        "vocabulary_oov": fc.categorical_column_with_vocabulary_list(
            "words", ["a", "b"], num_oov_buckets=2
        ),
        "vocabulary_file": fc.categorical_column_with_vocabulary_file(
            "words", vocabulary(folder), 3
        ),
        "hash_string": fc.categorical_column_with_hash_bucket("words", 10),
        "hash_int64": fc.categorical_column_with_hash_bucket("ints", 10, tf.int64),
        "bucketized": buckets,
        "crossed": fc.crossed_column([buckets, "words"], 20),
        "weighted": fc.weighted_categorical_column(ints, "floats"),
        "piecewise_linear": tfrs_afm.piecewise_linear_column(
            fc.numeric_column("number"), [0.0, 1.0, 5.0]
        ),
    }


def sequence(folder: pathlib.Path) -> dict[str, Any]:
    """Categorical columns with an order."""
    ints = fc.sequence_categorical_column_with_identity("ints", 6)
    words = fc.sequence_categorical_column_with_hash_bucket("words", 10)
    return {
        "sequence_identity": ints,
        "sequence_vocabulary_list": fc.sequence_categorical_column_with_vocabulary_list(
            "words", ["a", "b", "c"]
        ),
        "sequence_vocabulary_file": fc.sequence_categorical_column_with_vocabulary_file(
            "words", vocabulary(folder), 3, num_oov_buckets=1
        ),
        "sequence_hash_string": words,
        "sequence_hash_int64": fc.sequence_categorical_column_with_hash_bucket(
            "ints", 10, tf.int64
        ),
        "sequence_weighted": tfrs_afm.sequence_weighted_categorical_column(ints, "floats"),
        "sequence_bucketized": tfrs_afm.sequence_bucketized_column(
            fc.sequence_numeric_column("floats"), [1.0, 3.0]
        ),
        "sequence_crossed": tfrs_afm.sequence_crossed_column([ints, words], 30),
    }


def columns(folder: pathlib.Path) -> dict[str, Any]:
    """Every kind as a column that gives vectors."""
    made = {**scalar(folder), **sequence(folder)}
    embedded = {name: fc.embedding_column(column, DIM) for name, column in made.items()}
    return {
        **embedded,
        "indicator": fc.indicator_column(made["vocabulary_list"]),
        "sequence_indicator": fc.indicator_column(made["sequence_identity"]),
        "bucketized_one_hot": made["bucketized"],
        "numeric": fc.numeric_column("number"),
        "numeric_normalized": fc.numeric_column(
            "number", normalizer_fn=tfrs_afm.Normalizer(2.0, 0.5)
        ),
        "numeric_pair": fc.numeric_column("pair", shape=(2,)),
        "sequence_numeric": fc.sequence_numeric_column("floats"),
        "shared": tfrs_afm.shared_embeddings([made["identity"]], DIM)[0],
    }


KINDS = [
    "identity", "identity_default", "vocabulary_list", "vocabulary_oov", "vocabulary_file",
    "hash_string", "hash_int64", "bucketized", "crossed", "weighted", "piecewise_linear",
    "sequence_identity",
    "sequence_vocabulary_list", "sequence_vocabulary_file", "sequence_hash_string",
    "sequence_hash_int64", "sequence_weighted", "sequence_bucketized", "sequence_crossed",
    "indicator", "sequence_indicator", "bucketized_one_hot", "numeric",
    "numeric_normalized", "numeric_pair",
    "sequence_numeric", "shared",
]  # fmt: skip
