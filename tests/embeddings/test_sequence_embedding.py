import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column


def embedded(name: str = "seen", combiner: str = "mean") -> object:
    ids = fc.sequence_categorical_column_with_identity(name, 9)
    return fc.embedding_column(ids, 3, combiner)


def test_columns_may_differ_in_length() -> None:
    """tf_keras' SequenceFeatures asserts that they do not."""
    layer = tfrs_afm.SequenceEmbedding([embedded("a"), embedded("b")])
    fields = layer(
        {
            "a": tf.ragged.constant([[1, 2, 3], []], tf.int64),
            "b": tf.ragged.constant([[4], [5]], tf.int64),
        }
    )
    assert fields.embeddings["a_embedding"].shape == (2, 3, 3)
    assert fields.embeddings["b_embedding"].shape == (2, 1, 3)
    assert fields.lengths["a_embedding"].numpy().tolist() == [3, 0]
    assert fields.masks["a_embedding"].numpy().tolist() == [[True] * 3, [False] * 3]


def both(column: object, ids: tf.SparseTensor) -> tuple:
    ours = tfrs_afm.SequenceEmbedding([column])
    theirs = tf.keras.experimental.SequenceFeatures([column])
    ours({"seen": ids})
    theirs({"seen": ids})
    theirs.trainable_variables[0].assign(ours.trainable_variables[0])
    return ours({"seen": ids}), theirs({"seen": ids})


def test_a_hole_has_a_place_but_is_no_member() -> None:
    ids = tf.SparseTensor([[0, 0], [0, 2], [1, 1]], tf.constant([1, 2, 3], tf.int64), [2, 4])
    column = embedded()
    ours, (vectors, lengths) = both(column, ids)
    np.testing.assert_allclose(ours.embeddings["seen_embedding"], vectors, rtol=1e-6)
    np.testing.assert_array_equal(ours.lengths["seen_embedding"], lengths)
    mask = ours.masks["seen_embedding"].numpy().tolist()
    assert mask == [[True, False, True, False], [False, True, False, False]]
    pooled = tfrs_afm.FieldEmbedding([column])({"seen": ids})
    assert pooled.mask.numpy().tolist() == [[True], [True]]


@pytest.mark.parametrize("combiner", ["sum", "mean", "sqrtn"])
def test_several_ids_at_one_place_are_combined(combiner: str) -> None:
    indices = [[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 1, 1]]
    ids = tf.SparseTensor(indices, tf.constant([1, 2, 3, 4], tf.int64), [3, 2, 2])
    ours, (vectors, lengths) = both(embedded(combiner=combiner), ids)
    np.testing.assert_allclose(ours.embeddings["seen_embedding"], vectors, rtol=1e-6)
    np.testing.assert_array_equal(ours.lengths["seen_embedding"], lengths)


def test_numbers_are_values_times_their_vector() -> None:
    layer = tfrs_afm.SequenceEmbedding([fc.sequence_numeric_column("price")], dim=2)
    fields = layer({"price": tf.ragged.constant([[2.0, 3.0], [1.0]])})
    (row,) = layer.tables["price"].embedding_weights.numpy()
    np.testing.assert_allclose(
        fields.embeddings["price"], [[2 * row, 3 * row], [row, 0 * row]], rtol=1e-6
    )


def test_a_plain_number_is_refused() -> None:
    with pytest.raises(TypeError, match=r"`columns` must be sequences.*for field 'age'"):
        tfrs_afm.SequenceEmbedding([fc.numeric_column("age")], dim=2)


def test_config_round_trip() -> None:
    layer = tfrs_afm.SequenceEmbedding([embedded()], l2=0.1)
    clone = tfrs_afm.SequenceEmbedding.from_config(layer.get_config())
    assert clone.get_config() == layer.get_config()
