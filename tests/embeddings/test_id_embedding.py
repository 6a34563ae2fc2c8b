import numpy as np
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
