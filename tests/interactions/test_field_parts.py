"""Weights of field pairs, the gate on fields and batch norm of the pooled pairs."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings

import tfrs_afm
from tests import oracles
from tests.interactions.test_oracles import batches
from tfrs_afm import interactions as parts

RNG = np.random.default_rng(8)
VECTORS = RNG.normal(size=(5, 4, 3)).astype(np.float32)
MASK = np.array([[True] * 4, [True, False] * 2, [False] * 4, [True] * 3 + [False], [True] * 4])


def random_weights(layer: Any, random: np.random.Generator = RNG) -> None:
    for variable in layer.weights:
        start = random.normal(size=variable.shape)
        variable.assign(np.abs(start) + 0.1 if "variance" in variable.name else start)


@given(batches())
@settings(max_examples=30)
def test_weights_and_matrices_of_field_pairs_are_the_papers_sums(batch: tuple) -> None:
    vectors, mask = batch
    n, dim = vectors.shape[1:]
    for make in (parts.FieldPairWeights, parts.FieldPairMatrices):
        pooling = make()
        pooling.build((None, n * (n - 1) // 2, dim))
        random_weights(pooling)
        (own,) = pooling.get_weights()
        matrices = np.eye(dim) + own if own.ndim == 3 else own[:, None, None] * np.eye(dim)
        masked = np.where(mask[:, :, None], vectors, 0)
        ours = pooling.pool_members(tf.constant(masked), tf.constant(mask)).numpy()
        for row in range(len(vectors)):
            expected = oracles.field_pairs(vectors[row], mask[row], matrices)
            np.testing.assert_allclose(ours[row], expected, rtol=1e-3, atol=1e-3)


@given(batches())
@settings(max_examples=30)
def test_the_gate_scales_by_what_all_real_fields_say(batch: tuple) -> None:
    vectors, mask = batch
    gate = parts.FieldGate(parts.AFM(2))
    gate.build(vectors.shape)
    start = gate.gated(tf.constant(vectors), tf.constant(mask))[0]
    np.testing.assert_allclose(start, 2 * np.where(mask[:, :, None], vectors, 0), atol=1e-6)
    random_weights(gate)
    kernel, bias = gate.kernel.numpy(), gate.bias.numpy()
    ours, _ = gate.gated(tf.constant(vectors), tf.constant(mask))
    for row in range(len(vectors)):
        expected = oracles.gated(vectors[row], mask[row], kernel, bias)
        np.testing.assert_allclose(ours[row], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("make", [parts.FieldPairWeights, parts.FieldPairMatrices])
def test_field_pairs_start_as_the_plain_sum_and_leave_groups_out(make: Any) -> None:
    groups = tf.constant([0, 1, 0, 2])
    one, other = parts.AFM(pooling=make()), parts.AFM(pooling=parts.SumPooling())
    for given_groups in (None, groups):
        ours, sums = (
            layer(tf.constant(VECTORS), tf.constant(MASK), groups=given_groups)
            for layer in (one, other)
        )
        np.testing.assert_allclose(ours, sums, rtol=1e-5, atol=1e-5)


def test_batch_norm_is_of_the_rows_with_pairs_and_then_of_the_running_numbers() -> None:
    pooling = parts.BatchNormPooling(parts.SumPooling(), momentum=0.75, epsilon=0.01)
    layer = parts.AFM(pooling=pooling)
    layer(tf.constant(VECTORS), tf.constant(MASK))
    products = [oracles.pair_products(v, m) for v, m in zip(VECTORS, MASK, strict=True)]
    sums = np.array([sum((p for _, _, p in row), np.zeros(3)) for row in products])
    with_pairs = sums[[bool(row) for row in products]]
    mean, variance = with_pairs.mean(0), with_pairs.var(0)
    assert len(with_pairs) < len(VECTORS)
    trained = layer.pooled(tf.constant(VECTORS), tf.constant(MASK), training=True)
    np.testing.assert_allclose(trained, (sums - mean) / np.sqrt(variance + 0.01), atol=1e-4)
    running = 0.25 * mean, 0.75 + 0.25 * variance
    served = layer.pooled(tf.constant(VECTORS), tf.constant(MASK))
    expected = (sums - running[0]) / np.sqrt(running[1] + 0.01)
    np.testing.assert_allclose(served, expected, atol=1e-4)


@given(batches())
@settings(max_examples=30)
def test_attention_without_softmax_is_the_sum_of_scored_pairs(batch: tuple) -> None:
    vectors, mask = batch
    pooling = parts.AttentionPooling(3, temperature=0.5, softmax=False)
    pooling.build((None, None, vectors.shape[2]))
    random_weights(pooling)
    kernel, bias, projection = (one.astype(np.float64) for one in pooling.get_weights())
    masked = np.where(mask[:, :, None], vectors, 0)
    ours = pooling.pool_members(tf.constant(masked), tf.constant(mask)).numpy()
    for row in range(len(vectors)):
        expected = np.zeros(vectors.shape[2])
        for _, _, product in oracles.pair_products(vectors[row], mask[row]):
            hidden = np.maximum(product @ kernel + bias, 0)
            expected += float(hidden @ projection[:, 0]) / 0.5 * product
        np.testing.assert_allclose(ours[row], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("groups", [None, [0, 1, 0, 2]])
def test_batch_norm_of_pairs_is_over_the_real_pairs_of_the_batch(groups: Any) -> None:
    inner = parts.AttentionPooling(2, softmax=False)
    pooling = parts.BatchNormPooling(inner, momentum=0.75, epsilon=0.01, of_pairs=True)
    layer = parts.AFM(pooling=pooling)
    given_groups = None if groups is None else tf.constant(groups)
    arguments = {"mask": tf.constant(MASK), "groups": given_groups}
    layer(tf.constant(VECTORS), **arguments)
    for weight in inner.weights:
        weight.assign(RNG.normal(size=weight.shape))
    gamma, beta = RNG.normal(size=(2, 3))
    pooling._norm.gamma.assign(gamma)
    pooling._norm.beta.assign(beta)
    products = [
        [p for i, j, p in oracles.pair_products(v, m) if not groups or groups[i] != groups[j]]
        for v, m in zip(VECTORS, MASK, strict=True)
    ]
    flat = np.array([one for row in products for one in row])
    mean, variance = flat.mean(0), flat.var(0)

    def expected(mean: Any, variance: Any) -> Any:
        kernel, bias, projection = inner.get_weights()
        total = np.zeros((5, 3))
        for row, some in enumerate(products):
            for one in some:
                norm = gamma * (one - mean) / np.sqrt(variance + 0.01) + beta
                total[row] += np.maximum(norm @ kernel + bias, 0) @ projection[:, 0] * norm
        return total

    trained = layer.pooled(tf.constant(VECTORS), **arguments, training=True)
    np.testing.assert_allclose(trained, expected(mean, variance), rtol=1e-3, atol=1e-3)
    served = layer.pooled(tf.constant(VECTORS), **arguments)
    running = 0.25 * mean, 0.75 + 0.25 * variance
    np.testing.assert_allclose(served, expected(*running), rtol=1e-3, atol=1e-3)
    assert not served[2].numpy().any()  # without a real pair


def test_a_batch_without_any_pair_leaves_numbers_and_gradients_finite() -> None:
    layer = parts.AFM(pooling=parts.BatchNormPooling(parts.AttentionPooling(2)))
    with tf.GradientTape() as tape:
        scores = layer(tf.constant(VECTORS), tf.zeros([5, 4], tf.bool), training=True)
    gradients = tape.gradient(scores, layer.trainable_variables)
    for one in (scores, *gradients, *layer.weights):
        assert np.isfinite(np.asarray(one)).all()


@pytest.mark.parametrize("make", [lambda: parts.AFM(2), lambda: parts.DeepFM([3])])
def test_sets_of_embeddings_are_the_mean_of_their_interactions(make: Any) -> None:
    layer = parts.MultiEmbedding(make(), 3)
    linear = tf.constant(RNG.normal(size=(5, 4)), tf.float32)
    layer(tf.constant(VECTORS), tf.constant(MASK), linear)
    random_weights(layer)
    each = []
    for index, own in enumerate(layer.interactions):
        alone = make()
        part = tf.constant(VECTORS[:, :, index : index + 1])
        alone(part)
        alone.set_weights(own.get_weights())
        each.append(alone(part, tf.constant(MASK), linear).numpy())
    assert np.ptp(np.array(each), axis=0).max() > 0.1  # weights of their own
    found = layer(tf.constant(VECTORS), tf.constant(MASK), linear)
    np.testing.assert_allclose(found, np.mean(each, axis=0), atol=1e-5)


MODELS: dict[str, Any] = {
    "field weights": lambda: parts.AFM(pooling=parts.FieldPairWeights()),
    "field matrices": lambda: parts.AFM(pooling=parts.FieldPairMatrices()),
    "batch norm": lambda: parts.AFM(pooling=parts.BatchNormPooling(parts.AttentionPooling(2))),
    "batch norm of maxima": lambda: parts.AFM(pooling=parts.BatchNormPooling(parts.MaxPooling())),
    "batch norm of matrices": lambda: parts.AFM(
        pooling=parts.BatchNormPooling(parts.FieldPairMatrices()), deep=parts.Deep([3])
    ),
    "no softmax": lambda: parts.AFM(pooling=parts.AttentionPooling(2, softmax=False)),
    "batch norm of pairs": lambda: parts.AFM(
        pooling=parts.BatchNormPooling(parts.AttentionPooling(2, softmax=False), of_pairs=True)
    ),
    "batch norm of turned pairs and of their sum": lambda: parts.AFM(
        pooling=parts.BatchNormPooling(
            parts.BatchNormPooling(parts.FieldPairMatrices(), of_pairs=True)
        )
    ),
    "gated": lambda: parts.FieldGate(parts.DeepFM([3])),
    "in sets": lambda: parts.MultiEmbedding(parts.AFM(2, deep=parts.Deep([2])), 3),
}


@pytest.mark.matrix
@pytest.mark.parametrize("name", MODELS)
def test_contributions_add_up_and_gradients_are_the_numeric_ones(name: str) -> None:
    layer = MODELS[name]()
    random = np.random.default_rng(3)  # whatever ran before: a relu may bend within a step
    linear = tf.constant(random.normal(size=(5, 4)), tf.float32)
    vectors, mask = tf.constant(VECTORS), tf.constant(MASK)
    layer(vectors, mask, linear)
    random_weights(layer, random)
    logits = layer(vectors, mask, linear)
    told = layer.contributions(vectors, mask, linear)
    total = told.bias + tf.reduce_sum(told.linear, 1) + tf.reduce_sum(told.pairs, 1) + told.deep
    np.testing.assert_allclose(total, logits[:, 0], rtol=1e-3, atol=1e-3)

    with tf.GradientTape() as tape:
        tape.watch(vectors)
        score = tf.reduce_sum(layer(vectors, mask, linear))
    found = tape.gradient(score, vectors).numpy()
    assert (found[~MASK] == 0).all()
    direction = random.normal(size=VECTORS.shape).astype(np.float32)
    step = 1e-3
    up, down = (
        float(tf.reduce_sum(layer(tf.constant(VECTORS + sign * step * direction), mask, linear)))
        for sign in (1, -1)
    )
    scale = float(np.abs(found).sum()) + 1
    assert float((found * direction).sum()) == pytest.approx(
        (up - down) / (2 * step), abs=2e-3 * scale
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: parts.MultiEmbedding(parts.AFM(2), 1), "`sets` must be at least 2"),
        (
            lambda: parts.MultiEmbedding(parts.AFM(2), 2)(tf.ones([1, 2, 3])),
            "`sets` must divide the length of the vectors. Received: sets=2 and vectors of length",
        ),
        (lambda: parts.FieldPairMatrices(-1.0), "`l2` must not be negative"),
        (
            lambda: parts.BatchNormPooling(parts.SumPooling(), 1.0),
            r"`momentum` must be in \[0, 1\)",
        ),
        (lambda: parts.BatchNormPooling(parts.SumPooling(), epsilon=0), "`epsilon` positive"),
        (
            lambda: parts.AFM(pooling=parts.FieldPairWeights()).build((None, None, 3)),
            "static number of members",
        ),
        (lambda: parts.FieldGate(parts.AFM(2)).build((None, None, 3)), "static number of fields"),
    ],
)
def test_what_cannot_be_is_told(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


FC = tf.feature_column


def model_of(keys: list[str], interaction: Any) -> Any:
    columns = [FC.categorical_column_with_identity(key, 5) for key in keys]
    task = tfrs_afm.tasks.Ranking(interaction)
    return tfrs_afm.models.AFM([FC.embedding_column(one, 3) for one in columns], task=task)


def test_weights_at_the_places_of_fields_do_not_go_to_other_fields() -> None:
    def made() -> Any:
        return parts.FieldGate(parts.AFM(pooling=parts.BatchNormPooling(parts.FieldPairWeights())))

    source, same = model_of(["a", "b", "c"], made()), model_of(["a", "b", "c"], made())
    turned = model_of(["c", "b", "a"], made())
    for model, carried in ((same, True), (turned, False)):
        report = tfrs_afm.growth.carry_over(source, model)
        found = {one.name.split("interaction/", 1)[-1]: one.carried for one in report.variables}
        by_field = [name for name in found if name in ("kernel", "bias") or "weight" in name]
        assert len(by_field) == 3
        assert {found[name] for name in by_field} == {carried}
        assert any(found[name] for name in found if name not in by_field)
