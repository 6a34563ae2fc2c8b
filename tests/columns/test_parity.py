"""Where tf_keras can do it, our numbers are its numbers."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tfrs_afm
from tests.columns import kinds

fc = tf.feature_column
SCALARS = [kind for kind in kinds.KINDS if not kind.startswith("sequence")]
SCALARS = [
    k
    for k in SCALARS
    if k
    not in (
        "numeric",
        "numeric_normalized",
        "numeric_pair",
        "shared",
        "indicator",
        "bucketized_one_hot",
    )
]
SEQUENCES = [
    "sequence_identity",
    "sequence_vocabulary_list",
    "sequence_vocabulary_file",
    "sequence_hash_string",
    "sequence_hash_int64",
]

rows = st.lists(st.integers(0, 4), min_size=1, max_size=6)


def batch(lengths: list[int], seed: int) -> dict[str, Any]:
    """Random features with empty rows, unknown words and, in holes, negative ids."""
    rng = np.random.default_rng(seed)
    total = sum(lengths)

    def lists(values: np.ndarray, dtype: Any) -> Any:
        flat = tf.constant(values, dtype)
        return tf.RaggedTensor.from_row_lengths(flat, np.array(lengths, np.int64)).to_sparse()

    return {
        "ints": lists(rng.integers(-1, 6, total), tf.int64),
        "words": lists(rng.choice(["a", "b", "c", "unknown"], total), tf.string),
        "floats": lists(rng.uniform(0.5, 3.0, total), tf.float32),
        "number": tf.constant(rng.normal(size=(len(lengths), 1)), tf.float32),
        "pair": tf.constant(rng.normal(size=(len(lengths), 2)), tf.float32),
    }


def share_weights(ours: Any, theirs: Any) -> tuple[Any, Any]:
    (table,) = [w for w in ours.trainable_variables if w.shape[-1] == kinds.DIM]
    (other,) = theirs.trainable_variables
    other.assign(table)
    return table, other


@pytest.mark.matrix
@pytest.mark.parametrize(
    "combiner", ["mean", *(pytest.param(one, marks=pytest.mark.long) for one in ("sum", "sqrtn"))]
)
@pytest.mark.parametrize("kind", SCALARS)
def test_vectors_and_gradients_are_those_of_dense_features(
    kind: str, combiner: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    column = fc.embedding_column(
        kinds.scalar(tmp_path_factory.mktemp("words"))[kind], kinds.DIM, combiner
    )
    ours, theirs = tfrs_afm.FieldEmbedding([column]), tf.keras.layers.DenseFeatures([column])

    @settings(max_examples=6)
    @given(rows, st.integers(0, 99))
    def check(lengths: list[int], seed: int) -> None:
        features = batch(lengths, seed)
        ours(features)
        theirs(features)
        table, other = share_weights(ours, theirs)
        with tf.GradientTape(persistent=True) as tape:
            mine = ours(features).vectors[:, 0]
            target = theirs(features)
            mine_loss, target_loss = tf.reduce_sum(mine**2), tf.reduce_sum(target**2)
        np.testing.assert_allclose(mine, target, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            tf.convert_to_tensor(tape.gradient(mine_loss, table)),
            tf.convert_to_tensor(tape.gradient(target_loss, other)),
            rtol=1e-5,
            atol=1e-6,
        )

    check()


@pytest.mark.matrix
@pytest.mark.parametrize("kind", SEQUENCES)
def test_vectors_lengths_and_gradients_are_those_of_sequence_features(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    column = fc.embedding_column(kinds.sequence(tmp_path_factory.mktemp("words"))[kind], kinds.DIM)
    ours = tfrs_afm.SequenceEmbedding([column])
    theirs = tf.keras.experimental.SequenceFeatures([column])

    @settings(max_examples=6)
    @given(rows, st.integers(0, 99))
    def check(lengths: list[int], seed: int) -> None:
        features = batch(lengths, seed)
        ours(features)
        theirs(features)
        table, other = share_weights(ours, theirs)
        with tf.GradientTape(persistent=True) as tape:
            fields = ours(features)
            target, target_lengths = theirs(features)
            mine = fields.embeddings[column.name]
            mine_loss, target_loss = tf.reduce_sum(mine**2), tf.reduce_sum(target**2)
        np.testing.assert_allclose(mine, target, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(fields.lengths[column.name], target_lengths)
        np.testing.assert_allclose(
            tf.convert_to_tensor(tape.gradient(mine_loss, table)),
            tf.convert_to_tensor(tape.gradient(target_loss, other)),
            rtol=1e-5,
            atol=1e-6,
        )

    check()


ONE_HOT = ["indicator", "bucketized_one_hot", "numeric", "numeric_pair"]
SEQUENCE_VALUES = ["sequence_indicator", "sequence_numeric"]


def unit_rows(layer: Any, column: Any) -> None:
    """Makes the table an identity matrix: then a vector is the values that went into it."""
    layer.build(None)
    layer.tables[column.name].embedding_weights.assign(tf.eye(layer.dim))


@pytest.mark.parametrize("kind", ONE_HOT)
def test_values_of_columns_without_a_table_are_those_of_dense_features(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    column = kinds.columns(tmp_path_factory.mktemp("words"))[kind]
    (field,) = tfrs_afm.FieldEmbedding([column], 2).fields
    ours = tfrs_afm.FieldEmbedding([column], field.table.rows)
    theirs = tf.keras.layers.DenseFeatures([column])
    unit_rows(ours, column)

    @settings(max_examples=6)
    @given(rows, st.integers(0, 99))
    def check(lengths: list[int], seed: int) -> None:
        features = batch(lengths, seed)
        np.testing.assert_allclose(ours(features).vectors[:, 0], theirs(features), rtol=1e-6)

    check()


@pytest.mark.parametrize("kind", SEQUENCE_VALUES)
def test_values_of_sequences_without_a_table_are_those_of_sequence_features(
    kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    column = kinds.columns(tmp_path_factory.mktemp("words"))[kind]
    (field,) = tfrs_afm.FieldEmbedding([column], 2).fields
    ours = tfrs_afm.SequenceEmbedding([column], field.table.rows)
    theirs = tf.keras.experimental.SequenceFeatures([column])
    unit_rows(ours, column)

    @settings(max_examples=6)
    @given(rows, st.integers(0, 99))
    def check(lengths: list[int], seed: int) -> None:
        features = batch(lengths, seed)
        fields, (values, theirs_lengths) = ours(features), theirs(features)
        np.testing.assert_allclose(fields.embeddings[column.name], values, rtol=1e-6)
        np.testing.assert_array_equal(fields.lengths[column.name], theirs_lengths)

    check()
