import pathlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

import tfrs_afm
from tests import oracles

fc = tf.feature_column
BUCKETS = 7
lists = st.lists(st.lists(st.integers(-1, BUCKETS - 1), max_size=5), min_size=1, max_size=5)


def dense(rows: list[list[int]], width: int | None = None) -> tf.Tensor:
    """Pads with -1, TensorFlow's own padding."""
    width = max([len(row) for row in rows] + [1]) if width is None else width
    return tf.constant([row + [-1] * (width - len(row)) for row in rows], tf.int64)


def embedding(combiner: str = "mean", *, sequence: bool = True) -> tfrs_afm.FieldEmbedding:
    make = (
        fc.sequence_categorical_column_with_identity
        if sequence
        else fc.categorical_column_with_identity
    )
    column = fc.embedding_column(make("ids", BUCKETS), 3, combiner=combiner)
    return tfrs_afm.FieldEmbedding([column])


def table_of(layer: tfrs_afm.FieldEmbedding, name: str = "ids_embedding") -> np.ndarray:
    (rows,) = [w for w in layer.weights if f"{name}/embedding_weights" in w.name]
    return rows.numpy()


@given(lists, st.sampled_from(["sum", "mean", "sqrtn"]), st.booleans())
def test_pooling_counts_real_ids_only(rows: list, combiner: str, sequence: bool) -> None:
    layer = embedding(combiner, sequence=sequence)
    fields = layer({"ids": dense(rows)})
    table = table_of(layer)
    for row, ids in enumerate(rows):
        expected = oracles.pooled(table, ids, None, combiner)
        np.testing.assert_allclose(fields.vectors[row, 0], expected, rtol=1e-5, atol=1e-6)
        assert bool(fields.mask[row, 0]) == any(i >= 0 for i in ids)


@pytest.mark.long
@given(lists)
def test_padding_batch_mates_and_kind_of_tensor_change_nothing(rows: list) -> None:
    layer = embedding()
    expected = layer({"ids": dense(rows)}).vectors
    ragged = tf.ragged.constant([[i for i in row if i >= 0] for row in rows], tf.int64, 1)
    for tensor in (dense(rows, 9), ragged, ragged.to_sparse()):
        np.testing.assert_allclose(layer({"ids": tensor}).vectors, expected, atol=1e-6)
    for row, ids in enumerate(rows):
        alone = layer({"ids": dense([ids])}).vectors
        np.testing.assert_allclose(alone[0], expected[row], atol=1e-6)


def test_zero_is_an_id_and_only_minus_one_is_padding() -> None:
    layer = embedding("sum")
    fields = layer({"ids": tf.constant([[0, -1], [-1, -1]], tf.int64)})
    np.testing.assert_allclose(fields.vectors[0, 0], table_of(layer)[0], atol=1e-6)
    assert fields.mask.numpy().tolist() == [[True], [False]]


def test_a_batch_without_rows_and_one_without_ids_are_fine() -> None:
    layer = embedding()
    none = tf.zeros([0, 4], tf.int64)
    assert layer({"ids": none}).vectors.shape == (0, 1, 3)
    empty = layer({"ids": tf.fill([2, 3], tf.constant(-1, tf.int64))})
    assert empty.vectors.numpy().tolist() == [[[0.0] * 3]] * 2
    assert not empty.mask.numpy().any()


def test_int32_ids_are_promoted_and_a_flat_batch_is_one_id_each() -> None:
    layer = embedding(sequence=False)
    fields = layer({"ids": tf.constant([1, 2], tf.int32)})
    np.testing.assert_allclose(fields.vectors[:, 0], table_of(layer)[[1, 2]], atol=1e-6)


def test_shared_columns_use_one_table_but_weights_of_their_own() -> None:
    history = fc.sequence_categorical_column_with_identity("history", BUCKETS)
    film = fc.categorical_column_with_identity("film", BUCKETS)
    layer = tfrs_afm.FieldEmbedding(tfrs_afm.shared_embeddings([history, film], 4))
    features = {"history": tf.constant([[3, -1]]), "film": tf.constant([[3]])}
    vectors = layer(features).vectors
    np.testing.assert_array_equal(vectors[:, 0], vectors[:, 1])
    shapes = sorted(tuple(w.shape) for w in layer.trainable_variables)
    assert shapes == [(BUCKETS, 1), (BUCKETS, 1), (BUCKETS, 4)]


def test_numbers_are_values_times_vectors_and_zero_or_nan_is_no_member() -> None:
    layer = tfrs_afm.FieldEmbedding([fc.numeric_column("age", shape=(2,))], dim=3)
    values = np.array([[2.0, 3.0], [0.0, 0.0], [np.nan, 1.0]], np.float32)
    fields = layer({"age": tf.constant(values)})
    table = table_of(layer, "age")
    np.testing.assert_allclose(fields.vectors[0, 0], 2 * table[0] + 3 * table[1], rtol=1e-5)
    np.testing.assert_allclose(fields.vectors[2, 0], table[1], rtol=1e-5)
    assert fields.mask.numpy().tolist() == [[True], [False], [True]]


def test_sequence_numbers_average_values_times_vectors() -> None:
    layer = tfrs_afm.FieldEmbedding([fc.sequence_numeric_column("price")], dim=3)
    fields = layer({"price": tf.ragged.constant([[2.0, -4.0, 5.0], []])})
    np.testing.assert_allclose(fields.vectors[0, 0], table_of(layer, "price")[0], rtol=1e-5)
    assert fields.mask.numpy().tolist() == [[True], [False]]


def test_vectors_come_in_declared_order_whatever_the_order_of_the_dict() -> None:
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(name, 9), 2) for name in "zab"
    ]
    layer = tfrs_afm.FieldEmbedding(columns)
    features = {name: tf.constant([[i]]) for i, name in enumerate("zab")}
    expected = [
        table_of(layer, f"{n}_embedding")[i] for i, n in enumerate("zab") if layer(features)
    ]
    np.testing.assert_array_equal(layer(features).vectors[0], expected)
    backwards = dict(reversed(features.items()))
    np.testing.assert_array_equal(layer(backwards).vectors[0], expected)


def test_linear_terms_are_pooled_like_the_vectors() -> None:
    layer = embedding("mean")
    layer({"ids": dense([[1]])})
    (weights,) = [w for w in layer.weights if "linear" in w.name]
    weights.assign(tf.reshape(tf.range(BUCKETS, dtype=tf.float32), [-1, 1]))
    assert layer({"ids": dense([[1, 3], []])}).linear.numpy().tolist() == [[2.0], [0.0]]


def test_l2_counts_each_looked_up_row_once_and_no_other() -> None:
    column = fc.embedding_column(fc.categorical_column_with_identity("ids", BUCKETS), 3)
    layer = tfrs_afm.FieldEmbedding([column], l2=0.5)
    layer({"ids": dense([[1, 1], [2, 1]])})
    expected = 0.5 * np.square(table_of(layer)[[1, 2]]).sum() / 2
    np.testing.assert_allclose(layer.losses[0], expected, rtol=1e-5)


def test_max_norm_clips_what_is_looked_up() -> None:
    column = fc.embedding_column(fc.categorical_column_with_identity("ids", 3), 4, max_norm=0.1)
    layer = tfrs_afm.FieldEmbedding([column])
    vectors = layer({"ids": dense([[0], [1]])}).vectors
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 0.1, rtol=1e-5)


def test_only_looked_up_rows_get_a_gradient() -> None:
    layer = embedding()
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer({"ids": dense([[1, 4], [4, -1]])}).vectors)
    rows = next(w for w in layer.trainable_variables if "embedding_weights" in w.name)
    gradient = tape.gradient(loss, rows)
    assert isinstance(gradient, tf.IndexedSlices)
    assert sorted(set(gradient.indices.numpy().tolist())) == [1, 4]


def test_config_round_trip_keeps_every_column(tmp_path: pathlib.Path) -> None:
    columns = [
        *tfrs_afm.shared_embeddings(
            [fc.categorical_column_with_identity(name, 5) for name in "ab"], 4, "sum"
        ),
        fc.numeric_column("x", default_value=1.0),
        fc.indicator_column(fc.categorical_column_with_vocabulary_list("v", ["p", "q"])),
    ]
    layer = tfrs_afm.FieldEmbedding(columns, l2=0.1)
    clone = tfrs_afm.FieldEmbedding.from_config(layer.get_config())
    assert [c.name for c in clone.columns] == [c.name for c in columns]
    assert clone.get_config() == layer.get_config()
    features = {
        "a": tf.constant([[1]]),
        "b": tf.constant([[2]]),
        "x": tf.constant([[3.0]]),
        "v": tf.constant([["q"]]),
    }
    expected = layer(features).vectors
    clone(features)
    clone.set_weights(layer.get_weights())
    np.testing.assert_allclose(clone(features).vectors, expected)


def test_mixed_precision_computes_in_float16_and_keeps_raw_numbers_whole() -> None:
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity("ids", BUCKETS), 3),
        fc.bucketized_column(fc.numeric_column("when"), [1e9]),
    ]
    layer = tfrs_afm.FieldEmbedding(columns, dtype="mixed_float16")
    fields = layer({"ids": dense([[1]]), "when": tf.constant([[1.6e9]])})
    assert fields.vectors.dtype == fields.linear.dtype == tf.float16
    table = table_of(layer, "when_bucketized")
    assert table.dtype == np.float32
    np.testing.assert_allclose(fields.vectors[0, 1], table[1], rtol=1e-2)  # float16 has no 1.6e9


def test_three_dimensional_ids_are_pooled_whole() -> None:
    layer = embedding("sum")
    indices = [[0, 0, 0], [0, 1, 1], [1, 0, 0]]
    ids = tf.SparseTensor(indices, tf.constant([1, 2, 3], tf.int64), [2, 2, 2])
    table = table_of(layer) if layer({"ids": ids}) else None
    np.testing.assert_allclose(layer({"ids": ids}).vectors[:, 0], [table[1] + table[2], table[3]])


def test_a_graph_of_unknown_sizes_gives_the_same_as_eager() -> None:
    layer = embedding()
    run = tf.function(layer).get_concrete_function(
        {"ids": tf.SparseTensorSpec([None, None], tf.int64)}
    )
    for rows in ([[1, 2], []], [[3]], [[], [], []]):
        ragged = tf.ragged.constant(rows, tf.int64, ragged_rank=1)
        np.testing.assert_allclose(
            run({"ids": ragged.to_sparse()}).vectors, layer({"ids": ragged}).vectors
        )


def test_one_scalar_id_an_example_takes_the_short_way_to_the_same_vectors() -> None:
    layer = embedding("mean", sequence=False)
    single = layer({"ids": dense([[1], [2], [3]])})
    mixed = layer({"ids": dense([[1], [2], [3], []])})
    np.testing.assert_allclose(single.vectors, mixed.vectors[:3])
    np.testing.assert_array_equal(single.mask, mixed.mask[:3])
    assert mixed.mask.numpy().tolist() == [[True]] * 3 + [[False]]
    flat = layer({"ids": tf.constant([1, -1, 3], tf.int64)})
    np.testing.assert_allclose(flat.vectors, single.vectors * [[[1.0]], [[0.0]], [[1.0]]])
    assert flat.mask.numpy().tolist() == [[True], [False], [True]]


def test_every_number_of_a_dense_sequence_counts_but_nan() -> None:
    layer = tfrs_afm.FieldEmbedding([fc.sequence_numeric_column("price")], dim=3)
    fields = layer({"price": tf.constant([[2.0, 0.0], [np.nan, 4.0], [np.nan, np.nan]])})
    (row,) = table_of(layer, "price")
    np.testing.assert_allclose(fields.vectors[:, 0], [row, 4 * row, 0 * row], rtol=1e-6)
    assert fields.mask.numpy().tolist() == [[True], [True], [False]]
