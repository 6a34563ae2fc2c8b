import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tfrs_afm
from tfrs_afm import embeddings

fc = tf.feature_column
BUCKETS, DIM = 8, 3
lists = st.lists(st.lists(st.integers(0, BUCKETS - 1), max_size=5), min_size=1, max_size=4)


def layer(rule: object) -> tfrs_afm.FieldEmbedding:
    seen = fc.sequence_categorical_column_with_identity("seen", BUCKETS)
    film = fc.categorical_column_with_identity("film", BUCKETS)
    columns = tfrs_afm.shared_embeddings([seen, film], DIM)
    made = tfrs_afm.FieldEmbedding(columns, pooling={columns[0].name: rule})
    made.build(None)
    for name, table in made.tables.items():
        if name.endswith("/linear"):
            table.embedding_weights.assign(tf.random.normal([BUCKETS, 1]))
    return made


def features(rows: list[list[int]]) -> dict:
    return {
        "seen": tf.ragged.constant(rows, tf.int64, ragged_rank=1),
        "film": tf.constant([[i % BUCKETS] for i in range(len(rows))], tf.int64),
    }


def tables(made: tfrs_afm.FieldEmbedding) -> tuple[np.ndarray, np.ndarray]:
    rows = made.tables["film_seen_shared_embedding"].embedding_weights.numpy()
    return rows, made.tables["seen_shared_embedding/linear"].embedding_weights.numpy()


def weights_of(rule: object, length: int) -> list[float]:
    """The weight of each place, in plain Python."""
    ages = list(range(length - 1, -1, -1)) if rule.newest == "last" else list(range(length))  # type: ignore[attr-defined]
    if isinstance(rule, embeddings.LastK):
        raw = [1.0 if age < rule.k else 0.0 for age in ages]
    else:
        raw = [0.5 ** (age / rule.half_life) for age in ages]  # type: ignore[attr-defined]
    return [one / sum(raw) for one in raw]


@pytest.mark.parametrize(
    "make",
    [
        lambda: embeddings.LastK(2),
        lambda: embeddings.LastK(3, newest="first"),
        lambda: embeddings.RecencyDecay(1.5),
        lambda: embeddings.RecencyDecay(4, newest="first"),
    ],
)
def test_recency_rules_weigh_the_places(make: object) -> None:
    rule = make()  # type: ignore[operator]
    made = layer(rule)
    table, linear = tables(made)

    @settings(max_examples=15)
    @given(lists)
    def check(rows: list) -> None:
        fields = made(features(rows))
        for row, ids in enumerate(rows):
            expected, weight = np.zeros(DIM), 0.0
            for i, share in zip(ids, weights_of(rule, len(ids)) if ids else [], strict=True):
                expected += share * table[i]
                weight += share * float(linear[i, 0])
            np.testing.assert_allclose(fields.vectors[row, 0], expected, rtol=1e-4, atol=1e-5)
            np.testing.assert_allclose(fields.linear[row, 0], weight, rtol=1e-4, atol=1e-5)
            assert bool(fields.mask[row, 0]) == bool(ids)

    check()


@pytest.mark.parametrize(
    ("rule", "reduce"), [(embeddings.Maximum, np.max), (embeddings.Minimum, np.min)]
)
def test_extremes_are_taken_component_by_component(rule: type, reduce: object) -> None:
    made = layer(rule())
    table, _ = tables(made)
    rows = [[1, 5, 2], [], [7]]
    vectors = made(features(rows)).vectors[:, 0]
    for row, ids in enumerate(rows):
        expected = reduce(table[ids], axis=0) if ids else np.zeros(DIM)  # type: ignore[operator]
        np.testing.assert_allclose(vectors[row], expected, rtol=1e-6)


@pytest.mark.parametrize("softmax", [False, True])
def test_target_attention_is_the_activation_unit(softmax: bool) -> None:
    rule = embeddings.TargetAttention("film_shared_embedding", [4], softmax=softmax)
    made = layer(rule)
    rows = [[1, 5, 2], [], [7, 7]]
    fields = made(features(rows))
    table, _ = tables(made)
    w, b, h, c = (np.float64(v) for v in rule.get_weights())
    for row, ids in enumerate(rows):
        q = table[row % BUCKETS].astype(np.float64)
        scores = []
        for i in ids:
            v = table[i].astype(np.float64)
            hidden = 1 / (1 + np.exp(-(np.concatenate([v, q, v - q, v * q]) @ w + b)))
            scores.append(float((hidden @ h + c)[0]))
        if softmax and ids:
            exps = np.exp(np.array(scores) - max(scores))
            scores = (exps / exps.sum()).tolist()
        expected = sum((s * table[i] for s, i in zip(scores, ids, strict=True)), np.zeros(DIM))
        np.testing.assert_allclose(fields.vectors[row, 0], expected, rtol=1e-4, atol=1e-5)
    assert fields.mask[:, 0].numpy().tolist() == [True, False, True]


@pytest.mark.matrix
@pytest.mark.parametrize(
    "make",
    [
        lambda: embeddings.LastK(2),
        lambda: embeddings.RecencyDecay(2.0),
        embeddings.Maximum,
        embeddings.Minimum,
        lambda: embeddings.TargetAttention("film_shared_embedding"),
        lambda: embeddings.TargetAttention("film_shared_embedding", softmax=True),
    ],
)
def test_rule_keeps_its_config_its_gradients_and_its_rows_apart(make: object) -> None:
    made = layer(make())  # type: ignore[operator]
    rows = [[1, 5, 2], [], [7, 3]]
    expected = made(features(rows)).vectors
    clone = tfrs_afm.FieldEmbedding.from_config(made.get_config())
    assert clone.get_config() == made.get_config()
    clone(features(rows))
    clone.set_weights(made.get_weights())
    np.testing.assert_allclose(clone(features(rows)).vectors, expected, rtol=1e-6)
    padded = {**features(rows), "seen": features(rows)["seen"].to_tensor(-1, shape=[3, 9])}
    np.testing.assert_allclose(tf.function(made)(padded).vectors, expected, rtol=1e-5, atol=1e-6)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(made(features([[], []])).vectors[:, 0]))
    for gradient in tape.gradient(loss, made.trainable_variables):
        if gradient is not None:
            assert np.isfinite(tf.convert_to_tensor(gradient)).all()


@pytest.mark.parametrize("make", [lambda: embeddings.LastK(2), embeddings.Maximum])
def test_values_multiply_inside_a_rule(make: object) -> None:
    seen = fc.sequence_categorical_column_with_identity("seen", BUCKETS)
    column = fc.embedding_column(tfrs_afm.sequence_weighted_categorical_column(seen, "rating"), DIM)
    made = tfrs_afm.FieldEmbedding([column], pooling={column.name: make()})  # type: ignore[operator]
    batch = {
        "seen": tf.ragged.constant([[1, 2]], tf.int64),
        "rating": tf.ragged.constant([[1.0, 3.0]]),
    }
    vector = made(batch).vectors[0, 0]
    table = made.tables[column.name].embedding_weights.numpy()
    if isinstance(made.pooling[column.name], embeddings.Maximum):
        expected = np.maximum(table[1], 3 * table[2])
    else:
        expected = (table[1] + 3 * table[2]) / 4
    np.testing.assert_allclose(vector, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: embeddings.LastK(0), "`k` must be positive. Received: k=0."),
        (lambda: embeddings.LastK(1, "newest"), "`newest` must be 'last' or 'first'."),
        (lambda: embeddings.RecencyDecay(0), "`half_life` must be positive."),
        (lambda: embeddings.TargetAttention("x", []), "`units` must hold positive widths."),
        (
            lambda: layer_with("nothing", embeddings.LastK(1)),
            "`pooling` must name columns that have",
        ),
        (
            lambda: layer_with("seen_embedding", embeddings.TargetAttention("nothing")),
            "`query` must name a column that has no query of its own.",
        ),
    ],
)
def test_wrong_rules_are_named(make: object, text: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is compared below
        make()  # type: ignore[operator]
    assert str(error.value).startswith(text)


def layer_with(name: str, rule: object) -> tfrs_afm.FieldEmbedding:
    seen = fc.sequence_categorical_column_with_identity("seen", BUCKETS)
    return tfrs_afm.FieldEmbedding([fc.embedding_column(seen, DIM)], pooling={name: rule})
