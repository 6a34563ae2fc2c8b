import itertools

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

import tfrs_afm

fc = tf.feature_column
BUCKETS, DIM = 7, 3
lists = st.lists(st.lists(st.integers(0, BUCKETS - 1), max_size=4), min_size=1, max_size=4)


def columns() -> list:
    seen = fc.sequence_categorical_column_with_identity("seen", BUCKETS)
    film = fc.categorical_column_with_identity("film", BUCKETS)
    return [*tfrs_afm.shared_embeddings([seen, film], DIM), fc.numeric_column("pair", shape=(2,))]


def features(rows: list) -> dict:
    return {
        "seen": tf.ragged.constant(rows, tf.int64, ragged_rank=1),
        "film": tf.constant([[len(row)] for row in rows], tf.int64),
        "pair": tf.constant([[float(i), 2.0] for i in range(len(rows))]),
    }


@given(lists)
def test_every_id_stands_at_its_place_and_the_rest_is_masked(rows: list) -> None:
    layer = tfrs_afm.IdEmbedding(columns())
    ids = layer(features(rows))
    table = layer.tables["film_seen_shared_embedding"].embedding_weights.numpy()
    numbers = layer.tables["pair"].embedding_weights.numpy()
    longest = max(len(row) for row in rows)
    assert ids.fields.numpy().tolist() == [0] * longest + [1] + [2] * 2
    for row, members in enumerate(rows):
        padding = [np.zeros(DIM)] * (longest - len(members))
        pair = [row * numbers[0], 2.0 * numbers[1]]
        expected = [*(table[i] for i in members), *padding, table[len(members)], *pair]
        np.testing.assert_allclose(ids.vectors[row], expected, rtol=1e-5)
        real = [True] * len(members) + [False] * len(padding) + [True, row != 0, True]
        assert ids.mask[row].numpy().tolist() == real


def test_linear_weights_go_with_their_ids() -> None:
    layer = tfrs_afm.IdEmbedding(columns())
    layer.build(None)
    layer.tables["seen_shared_embedding/linear"].embedding_weights.assign(
        tf.reshape(tf.range(7.0), [-1, 1])
    )
    linear = layer(features([[3, 5], [6]])).linear
    np.testing.assert_allclose(linear[:, :2], [[3.0, 5.0], [6.0, 0.0]])


def test_ids_cross_in_afm_and_in_the_factorization_machine() -> None:
    layer = tfrs_afm.IdEmbedding(columns())
    rows = [[1, 2], [], [3]]
    afm = tfrs_afm.interactions.AFM(4)
    scores = afm(*layer(features(rows))[:3])
    alone = [
        afm(*layer({k: v[i : i + 1] for k, v in features(rows).items()})[:3]) for i in range(3)
    ]
    np.testing.assert_allclose(scores, tf.concat(alone, 0), rtol=1e-4, atol=1e-6)


def test_config_round_trip() -> None:
    layer = tfrs_afm.IdEmbedding(columns(), l2=0.1)
    expected = layer(features([[1, 2], []])).vectors
    clone = tfrs_afm.IdEmbedding.from_config(layer.get_config())
    clone(features([[1]]))
    clone.set_weights(layer.get_weights())
    np.testing.assert_array_equal(clone(features([[1, 2], []])).vectors, expected)


def signed(combiner: str, *, sequence: bool) -> object:
    make = "categorical_column_with_identity"
    ids = getattr(fc, f"sequence_{make}" if sequence else make)("seen", BUCKETS)
    weigh = tfrs_afm.sequence_weighted_categorical_column
    weighted = (weigh if sequence else fc.weighted_categorical_column)(ids, "x")
    return fc.embedding_column(weighted, DIM, combiner)


@pytest.mark.parametrize("sequence", [True, False])
@pytest.mark.parametrize("combiner", ["mean", "sqrtn", "sum"])
def test_each_id_counts_by_its_value_whatever_its_sign(combiner: str, *, sequence: bool) -> None:
    """Equation 8 has x_i as it is; a mean's rule dropped -2, and gave -0.643 for -1.080."""
    layer = tfrs_afm.IdEmbedding([signed(combiner, sequence=sequence)])
    layer.build(None)
    table = np.array([[0, 0, 0], [0.9, 0.2, -1.0], [0.3, 0.7, 0.1], [0.5, -0.4, 0.8]])
    table = np.concatenate([table, np.zeros([BUCKETS - 4, DIM])]).astype(np.float32)
    name = layer.fields[0].name
    layer.tables[name].embedding_weights.assign(table)
    layer.tables[f"{name}/linear"].embedding_weights.assign(table[:, :1] + 1)
    rows, values = [[1, 2, 3], [3, 1]], [[1.0, -2.0, 0.5], [0.0, -1.0]]
    features = {"seen": tf.ragged.constant(rows, tf.int64), "x": tf.ragged.constant(values)}
    found = layer(features)
    assert found.mask.numpy().tolist() == [[True, True, True], [False, True, False]]
    second, linear = [], []
    for ids, xs in zip(rows, values, strict=True):
        vectors = [x * table[i].astype(float) for i, x in zip(ids, xs, strict=True)]
        pairs = itertools.combinations(vectors, 2)
        second.append([sum(float(one @ other) for one, other in pairs)])
        linear.append(sum(x * (table[i, 0] + 1) for i, x in zip(ids, xs, strict=True)))
    machine = tfrs_afm.interactions.FactorizationMachine()
    np.testing.assert_allclose(machine(found.vectors, mask=found.mask), second, atol=1e-6)
    np.testing.assert_allclose(np.sum(found.linear, axis=1), linear, atol=1e-6)


def test_a_zero_in_a_sequence_of_numbers_is_no_member() -> None:
    layer = tfrs_afm.IdEmbedding([fc.sequence_numeric_column("price")], DIM)
    found = layer({"price": tf.ragged.constant([[2.0, 0.0, -3.0]])})
    assert found.mask.numpy().tolist() == [[True, False, True]]


@pytest.mark.parametrize(("combiner", "real"), [("mean", False), ("sqrtn", False), ("sum", True)])
def test_where_ids_are_combined_the_combiner_decides(combiner: str, *, real: bool) -> None:
    column = signed(combiner, sequence=True)
    features = {"seen": tf.ragged.constant([[1]], tf.int64), "x": tf.ragged.constant([[-2.0]])}
    assert tfrs_afm.FieldEmbedding([column])(features).mask.numpy().tolist() == [[real]]


@pytest.mark.parametrize("sequence", [True, False])
@pytest.mark.parametrize("combiner", ["mean", "sqrtn", "sum"])
def test_the_column_view_shows_single_ids_as_the_id_view(combiner: str, *, sequence: bool) -> None:
    """A mean over one id divided its value away: 3 and 0.5 looked alike, -2 was gone."""
    column = signed(combiner, sequence=sequence)
    layer = tfrs_afm.SequenceEmbedding([column])
    values = [[3.0, 0.5, -2.0, 0.0]]
    features = {"seen": tf.constant([[1, 2, 3, 4]], tf.int64), "x": tf.constant(values)}
    features = {name: tf.sparse.from_dense(one) for name, one in features.items()}
    features["x"] = tf.SparseTensor(features["seen"].indices, values[0], [1, 4])
    fields = layer(features)
    table = layer.tables[column.name].embedding_weights.numpy()
    expected = np.array(values).T * table[[1, 2, 3, 4]]
    np.testing.assert_allclose(fields.embeddings[column.name][0], expected, rtol=1e-6)
    assert fields.masks[column.name].numpy().tolist() == [[True, True, True, False]]
