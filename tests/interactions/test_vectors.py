"""Who notes that there are zeros behind a mask, and what is done where nobody did."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from tfrs_afm.embeddings.poolings import Pooling
from tfrs_afm.interactions.vectors import holds_zeros, masked_vectors, note_zeros

MASK = tf.constant([[True, False, True], [False, False, False]])
VECTORS = tf.random.stateless_normal([2, 3, 4], [1, 2])


def test_a_note_is_of_one_tensor_and_one_mask() -> None:
    vectors, mask = masked_vectors(VECTORS, MASK)
    assert holds_zeros(vectors, mask)
    assert masked_vectors(vectors, mask)[0] is vectors
    for other in (tf.identity(mask), ~mask, None):
        assert not holds_zeros(vectors, other)
    assert not holds_zeros(vectors + 1.0, mask)
    assert not holds_zeros(VECTORS, MASK)
    again, _ = masked_vectors(vectors + 1.0, mask)
    np.testing.assert_array_equal(again[~MASK], 0.0)


def test_vectors_of_a_noted_mask_are_masked_by_another() -> None:
    vectors, _ = masked_vectors(VECTORS, MASK)
    less = MASK & tf.constant([[True, True, False], [True] * 3])
    np.testing.assert_array_equal(masked_vectors(vectors, less)[0][~less], 0.0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: tfrs_afm.interactions.AFM(2),
        lambda: tfrs_afm.interactions.AFM(2, deep=tfrs_afm.interactions.Deep([3])),
        lambda: tfrs_afm.interactions.DeepFM([3]),
        lambda: tfrs_afm.interactions.FieldGate(tfrs_afm.interactions.DeepFM([3])),
        lambda: tfrs_afm.interactions.MultiEmbedding(tfrs_afm.interactions.AFM(2), 2),
    ],
)
def test_a_layer_answers_the_same_with_and_without_the_note(make: Any) -> None:
    layer = make()
    linear = tf.random.stateless_normal([2, 3], [3, 4])
    plain = layer(VECTORS, MASK, linear)
    vectors, mask = masked_vectors(VECTORS, MASK)
    terms = note_zeros(tf.where(mask, linear, 0.0), mask)
    np.testing.assert_array_equal(layer(vectors, mask, terms), plain)


class Ones(Pooling):
    """A rule of a user's own that leaves ones where there is nothing."""

    def call(self, rows: Any, linear: Any, members: Any, query: Any = None) -> Any:
        ones = tf.ones(tf.stack([members.num_rows, rows.shape[1]]))
        return ones, None if linear is None else ones[:, :1]


def test_what_a_rule_of_ones_own_leaves_behind_the_mask_counts_for_nothing() -> None:
    fc = tf.feature_column
    column = fc.embedding_column(fc.sequence_categorical_column_with_identity("a", 5), 4)
    features = {"a": tf.ragged.constant([[1, 2], []], tf.int64)}
    layer = tfrs_afm.FieldEmbedding([column], pooling={"a_embedding": Ones()})
    fields = layer(features)
    assert not holds_zeros(fields.vectors, fields.mask)
    answers = tfrs_afm.interactions.DeepFM([3])(*fields)
    assert float(answers[1, 0]) == 0.0
