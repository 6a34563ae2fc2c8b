"""Lists as a server gets them: filled up with anything, and what counts said beside them."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from tfrs_afm.columns.flat_ids import PaddedLists

fc = tf.feature_column

FILMS = [[3, 1, 3], [], [-1, 7], [2]]
WORDS = [["a", "", "b", "z"], ["b"], [], ["", "c"]]
HUGE = 10**9  # what fills up may be no id at all


def padded(lists: list[list[Any]], fill: Any) -> PaddedLists:
    longest = max(map(len, lists)) + 1
    rows = [one + [fill] * (longest - len(one)) for one in lists]
    places = np.arange(longest) < np.array([[len(one)] for one in lists])
    dtype = tf.string if isinstance(fill, str) else tf.int64
    return PaddedLists(tf.constant(rows, dtype), tf.constant(places))


RAGGED = {
    "films": tf.ragged.constant(FILMS, tf.int64),
    "words": tf.ragged.constant(WORDS, tf.string),
    "one": tf.constant([0, 1, 2, 3], tf.int64),
}
PADDED = {"films": padded(FILMS, HUGE), "words": padded(WORDS, "b"), "one": RAGGED["one"]}


def embedded(columns: list[Any]) -> list[Any]:
    plain = [hasattr(one, "num_buckets") for one in columns]
    return [
        fc.embedding_column(one, 3) if bare else one
        for one, bare in zip(columns, plain, strict=True)
    ]


def kinds() -> dict[str, list[Any]]:
    sequence = fc.sequence_categorical_column_with_identity("films", 9)
    words = fc.sequence_categorical_column_with_vocabulary_list("words", ["a", "b"])
    shared = tfrs_afm.shared_embeddings(
        [sequence, fc.categorical_column_with_identity("one", 9)], 3
    )
    return {
        "identity": [fc.embedding_column(sequence, 3)],
        "sum": [fc.embedding_column(sequence, 3, combiner="sum")],
        "sqrtn": [fc.embedding_column(sequence, 3, combiner="sqrtn")],
        "hash of numbers": [
            fc.sequence_categorical_column_with_hash_bucket("films", 9, dtype=tf.int64)
        ],
        "hash": [fc.sequence_categorical_column_with_hash_bucket("words", 9)],
        "vocabulary": [words],
        "buckets for other words": [
            fc.sequence_categorical_column_with_vocabulary_list(
                "words", ["a", "b"], num_oov_buckets=2
            )
        ],
        "a default": [
            fc.sequence_categorical_column_with_vocabulary_list(
                "films", [3, 7], default_value=0, dtype=tf.int64
            )
        ],
        "several ids, no sequence": [fc.categorical_column_with_identity("films", 9)],
        "two lists": [fc.embedding_column(sequence, 3), words],
        "a list beside one id": [sequence, fc.categorical_column_with_identity("one", 9)],
        "a shared table": list(shared),
        "a cross of a list": [words, fc.crossed_column(["words", "one"], 9)],
    }


@pytest.mark.matrix
@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("kind", list(kinds()))
def test_padded_lists_are_embedded_as_ragged_ones(kind: str, linear: bool) -> None:
    layer = tfrs_afm.FieldEmbedding(embedded(kinds()[kind]), linear=linear)
    wanted = layer(RAGGED)
    fields = layer.fields

    def same(found: Any, rtol: float) -> None:
        for one, other in zip(found, wanted, strict=True):
            assert (one is None) == (other is None)
            if one is not None:
                np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)

    same(layer.embed(PADDED, fields), 1e-6)
    for dtype, rtol in (("float32", 1e-6), ("float16", 1e-2), ("int8", 2e-2)):
        with layer.stacked(dtype):
            same(layer.embed(PADDED, fields), rtol)
            same(tf.function(lambda: layer.embed(PADDED, fields))(), rtol)
            same(layer.embed(RAGGED, fields), rtol)


def test_a_batch_of_empty_lists_has_no_members() -> None:
    layer = tfrs_afm.FieldEmbedding(embedded(kinds()["two lists"]))
    layer(RAGGED)
    none = {"films": padded([[], []], HUGE), "words": padded([[], []], "b")}
    none = {key: PaddedLists(one.values[:, :0], one.real[:, :0]) for key, one in none.items()}
    with layer.stacked():
        fields = layer.embed(none, layer.fields)
    assert not fields.mask.numpy().any()
    assert not np.any(fields.vectors)
    assert fields.vectors.shape == [2, 2, 3]


def test_an_id_out_of_range_is_told_of_among_what_counts_only() -> None:
    layer = tfrs_afm.FieldEmbedding(
        embedded([fc.sequence_categorical_column_with_identity("films", 5)])
    )
    layer({"films": tf.ragged.constant([[1]], tf.int64)})
    with (
        layer.stacked(),
        pytest.raises(
            tf.errors.InvalidArgumentError,
            match=r"(?s)`films` must be below num_buckets=5.*7.*in row.*2",
        ),
    ):
        layer.embed(PADDED, layer.fields)


def test_linear_weights_stand_beside_the_vectors_of_sequences_without_a_copy_of_shared_tables() -> (
    None
):
    sequence = fc.sequence_categorical_column_with_identity("films", 9)
    alone = tfrs_afm.FieldEmbedding([fc.embedding_column(sequence, 3)])
    shared = tfrs_afm.FieldEmbedding(
        tfrs_afm.shared_embeddings([sequence, fc.categorical_column_with_identity("one", 9)], 3)
    )
    for layer, rows in ((alone, {(10, 4)}), (shared, {(10, 3), (20, 1)})):
        layer(RAGGED)
        with layer.stacked() as tables:
            assert {tuple(one.shape) for one in tables.variables} == rows
            assert tables.num_bytes == tables.full_bytes
