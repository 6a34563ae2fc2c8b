import contextlib
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tests import oracles
from tfrs_afm import interactions, kernels
from tfrs_afm.interactions.pair_attention import attend_pairs
from tfrs_afm.interactions.pair_blocks import BlockPlan, circular_pairs

RNG = np.random.default_rng(8)


def weights(dim: int, units: int) -> list[np.ndarray]:
    return [RNG.normal(size=shape) for shape in ((dim, units), (units,), (units, 1))]


def pooled(vectors: Any, mask: Any, parts: list[np.ndarray], groups: Any = None) -> np.ndarray:
    """The oracle: float64 double loops, a batch at a time."""
    rows = []
    for row, real in zip(vectors, mask, strict=True):
        pairs = oracles.pair_products(row, real)
        products = [p for i, j, p in pairs if groups is None or groups[i] != groups[j]]
        shares = oracles.attention(products, parts[0], parts[1], parts[2][:, 0])
        rows.append(oracles.attention_pooling(products, shares, vectors.shape[2]))
    return np.array(rows)


@pytest.fixture(params=["one block", "many blocks"])
def blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs a test with everything in one block, and with blocks far smaller than the data.

    Of stock operations, which have the blocks; the kernels' own tests are in tests/kernels.
    """
    if request.param == "many blocks":
        of = BlockPlan.of.__func__  # type: ignore[attr-defined]
        small = classmethod(lambda cls, n, width: of(cls, n, width, floats=width * 9, least=2))
        monkeypatch.setattr(BlockPlan, "of", small)
    with kernels.stock():
        yield


@given(st.integers(2, 9))
def test_circular_pairs_are_all_pairs_once(n: int) -> None:
    first, second = circular_pairs(n, 0, n * (n - 1) // 2)
    pairs = {tuple(sorted(pair)) for pair in zip(first.numpy(), second.numpy(), strict=True)}
    assert len(pairs) == len(first) == n * (n - 1) // 2
    assert all(i != j for i, j in pairs)


@pytest.mark.matrix
@pytest.mark.parametrize(
    "n", [0, 2, 3, 10, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 4, 5, 6, 7))]
)
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.usefixtures("blocks")
def test_output_and_gradients_are_the_oracles(n: int, known: bool) -> None:
    """In float64, against double loops and central differences."""
    dim, units, batch = 3, 2, 5
    vectors = RNG.normal(size=(batch, n, dim))
    mask = RNG.random((batch, n)) < 0.8
    mask[0] = False
    vectors[~mask] = 0
    parts, sizes = weights(dim, units), RNG.normal(size=(batch, dim))
    shape = [batch, n, dim] if known else [None, None, dim]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float64)])
    def run(vectors: Any) -> Any:
        inputs = [vectors, *(tf.constant(part) for part in parts)]
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            out = attend_pairs(inputs[0], tf.constant(mask), *inputs[1:])
            loss = tf.reduce_sum(out * sizes)
        return out, tape.gradient(loss, inputs)

    out, gradients = run(tf.constant(vectors))
    np.testing.assert_allclose(out, pooled(vectors, mask, parts), atol=1e-9)

    def loss_of(place: int) -> Any:
        def loss(value: np.ndarray) -> float:
            inputs = [vectors, *parts]
            inputs[place] = value
            return float((pooled(inputs[0], mask, inputs[1:]) * sizes).sum())

        return loss

    for place, gradient in enumerate(gradients):
        expected = oracles.numeric_gradient(loss_of(place), [vectors, *parts][place])
        if place == 0:
            expected[~mask] = gradient.numpy()[~mask]  # their vectors are no variables
        np.testing.assert_allclose(gradient, expected, atol=1e-6)


@pytest.mark.usefixtures("blocks")
def test_masked_rows_and_members_get_zeros_and_finite_gradients() -> None:
    vectors = tf.constant(RNG.normal(size=(4, 6, 3)), tf.float32)
    mask = tf.constant([[False] * 6, [True] + [False] * 5, [True] * 6, [False] * 3 + [True] * 3])
    vectors = tf.where(mask[:, :, tf.newaxis], vectors, 0.0)
    parts = [tf.constant(part, tf.float32) for part in weights(3, 4)]
    with tf.GradientTape() as tape:
        tape.watch([vectors, parts])
        out = attend_pairs(vectors, mask, *parts)
    assert (out.numpy()[:2] == 0).all()
    gradients = tape.gradient(out, [vectors, *parts])
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert (gradients[0].numpy()[:2] == 0).all()


@pytest.mark.usefixtures("blocks")
def test_pairs_within_a_group_are_left_out() -> None:
    vectors, mask = RNG.normal(size=(3, 6, 2)), RNG.random((3, 6)) < 0.8
    vectors[~mask] = 0
    parts, groups = weights(2, 3), np.array([0, 0, 0, 1, 1, 2])
    out = attend_pairs(tf.constant(vectors), tf.constant(mask), *map(tf.constant, parts), groups)
    np.testing.assert_allclose(out, pooled(vectors, mask, parts, groups), atol=1e-9)


@pytest.mark.matrix
@pytest.mark.parametrize(
    "share", [{"dropout": 0.4}, {"pair_dropout": 0.4}, {"dropout": 0.3, "pair_dropout": 0.3}]
)
@pytest.mark.usefixtures("blocks")
def test_dropout_drops_the_same_pairs_forward_and_backward(share: dict) -> None:
    """The derivative along a direction is the difference quotient with the same draw."""
    vectors = tf.constant(RNG.normal(size=(5, 7, 3)))
    parts = [tf.constant(part) for part in weights(3, 4)]
    direction = RNG.normal(size=vectors.shape)

    def loss(step: float) -> tuple[Any, Any]:
        tf.random.set_seed(5)
        point = vectors + step * direction
        with tf.GradientTape() as tape:
            tape.watch(point)
            out = attend_pairs(point, tf.ones([5, 7], tf.bool), *parts, **share)
            total = tf.reduce_sum(tf.square(out))
        return total, tape.gradient(total, point)

    _, gradient = loss(0.0)
    slope = (loss(1e-6)[0] - loss(-1e-6)[0]) / 2e-6
    np.testing.assert_allclose(tf.reduce_sum(gradient * direction), slope, rtol=1e-5)


def test_dropout_keeps_the_expected_sum() -> None:
    vectors = tf.constant(RNG.normal(size=(1, 5, 3)), tf.float32)
    many = tf.tile(vectors, [4000, 1, 1])
    parts = [tf.constant(part, tf.float32) for part in weights(3, 4)]
    plain = attend_pairs(vectors, tf.ones([1, 5], tf.bool), *parts)
    dropped = attend_pairs(many, tf.ones([4000, 5], tf.bool), *parts, dropout=0.3).numpy()
    assert dropped.std(0).min() > 0.01
    error = 4 * dropped.std(0) / 4000**0.5
    assert (np.abs(dropped.mean(0) - plain.numpy()[0]) < error + 1e-6).all()


def test_dropout_of_pairs_is_seen_by_the_attention_and_by_the_sum() -> None:
    """With one pair its attention is 1: what comes out is the pair without what was dropped."""
    vectors = tf.constant(RNG.normal(size=(2000, 2, 3)))
    parts = [tf.constant(part) for part in weights(3, 4)]
    mask = tf.ones([2000, 2], tf.bool)
    found = attend_pairs(vectors, mask, *parts, pair_dropout=0.25).numpy()
    product = vectors.numpy().prod(axis=1)
    dropped = found == 0
    np.testing.assert_allclose(found[~dropped], (product / 0.75)[~dropped], rtol=1e-9)
    assert abs(dropped.mean() - 0.25) < 0.03
    assert 0 < dropped.sum(axis=1).max() > dropped.sum(axis=1).min()  # elements, not whole pairs


def test_dropout_of_pairs_changes_the_attention() -> None:
    """h . relu(W x + b) is of what is left of a pair: x and its attention go together."""
    vectors = tf.constant(RNG.normal(size=(1, 3, 2)))
    parts = [tf.constant(part) for part in weights(2, 3)]
    many = tf.tile(vectors, [400, 1, 1])
    found = attend_pairs(many, tf.ones([400, 3], tf.bool), *parts, pair_dropout=0.5).numpy()
    pairs = np.array([pair for _, _, pair in oracles.pair_products(vectors[0].numpy(), [True] * 3)])
    possible = []
    for bits in range(2**pairs.size):
        kept = np.array([bits >> i & 1 for i in range(pairs.size)]).reshape(pairs.shape)
        left = list(pairs * kept / 0.5)
        shares = oracles.attention(
            left, *(part.numpy() for part in parts[:2]), parts[2].numpy()[:, 0]
        )
        possible.append(oracles.attention_pooling(left, shares, 2))
    distance = np.abs(found[:, np.newaxis] - np.array(possible)).max(axis=2).min(axis=1)
    assert distance.max() < 1e-9
    assert len(np.unique(found.round(9), axis=0)) > 20


def test_the_layer_drops_pairs_in_training_alone_and_is_its_configuration() -> None:
    layer = interactions.AttentionPooling(4, pair_dropout=0.5)
    vectors = tf.constant(RNG.normal(size=(6, 5, 3)), tf.float32)
    mask = tf.ones([6, 5], tf.bool)
    pairs, real = interactions.PairwiseProduct()(vectors, mask=mask)
    plain = layer(pairs, mask=real)
    np.testing.assert_allclose(layer.pool_members(vectors, mask), plain, rtol=1e-4, atol=1e-6)
    for trained in (
        layer(pairs, mask=real, training=True),
        layer.pool_members(vectors, mask, training=True),
    ):
        assert np.abs(trained - plain).max() > 1e-3
    clone = interactions.AttentionPooling.from_config(layer.get_config())
    assert clone.pair_dropout == 0.5
    with pytest.raises(ValueError, match=r"`pair_dropout` must be in \[0, 1\)"):
        interactions.AttentionPooling(4, pair_dropout=1.0)


def test_the_pooled_vector_is_what_the_logit_is_made_of() -> None:
    layer = interactions.AFM(4)
    vectors = tf.constant(RNG.normal(size=(6, 5, 3)), tf.float32)
    mask = tf.constant(RNG.random((6, 5)) < 0.7)
    found = layer.pooled(vectors, mask)
    kernel, bias, projection = (one.numpy() for one in layer.pairs_pooling.weights)
    real = np.where(mask[..., np.newaxis], vectors, 0.0)
    np.testing.assert_allclose(
        found, pooled(real, mask.numpy(), [kernel, bias, projection]), rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        layer(vectors, mask=mask), np.sum(found, 1, keepdims=True), rtol=1e-4, atol=1e-6
    )


def test_two_calls_draw_different_dropout() -> None:
    vectors = tf.constant(RNG.normal(size=(4, 5, 3)), tf.float32)
    parts = [tf.constant(part, tf.float32) for part in weights(3, 4)]

    @tf.function
    def twice() -> tuple[Any, Any]:
        mask = tf.ones([4, 5], tf.bool)
        return tuple(attend_pairs(vectors, mask, *parts, dropout=0.5) for _ in range(2))

    one, other = twice()
    again, _ = twice()
    assert np.abs(one - other).max() > 1e-3
    assert np.abs(one - again).max() > 1e-3


@pytest.mark.parametrize("form", [kernels.stock, contextlib.nullcontext])
@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_half_precision_comes_out_as_it_went_in(form: Any, dtype: tf.DType) -> None:
    vectors, mask = RNG.normal(size=(3, 5, 4)), np.ones((3, 5), bool)
    parts = weights(4, 3)
    halves = [tf.cast(tf.constant(part), dtype) for part in (vectors, *parts)]
    with form(), tf.GradientTape() as tape:
        tape.watch(halves)
        out = attend_pairs(halves[0], tf.constant(mask), *halves[1:])
    assert out.dtype == dtype
    exact = [tf.cast(half, tf.float64).numpy() for half in halves]
    expected = pooled(exact[0], mask, exact[1:])
    np.testing.assert_allclose(tf.cast(out, tf.float64), expected, rtol=0.02, atol=0.02)
    assert all(gradient.dtype == dtype for gradient in tape.gradient(out, halves))


def test_exports_to_a_plain_graph_of_stock_operations(tmp_path: pathlib.Path) -> None:
    module = tf.Module()
    parts = [tf.Variable(part, dtype=tf.float32) for part in weights(3, 4)]
    module.parts = parts
    module.run = tf.function(
        lambda vectors, mask: attend_pairs(vectors, mask, *map(tf.convert_to_tensor, parts)),
        input_signature=[
            tf.TensorSpec([None, None, 3], tf.float32),
            tf.TensorSpec([None, None], tf.bool),
        ],
    )
    vectors, mask = tf.constant(RNG.normal(size=(70, 8, 3)), tf.float32), tf.ones([70, 8], tf.bool)
    expected = module.run(vectors, mask)
    tf.saved_model.save(module, str(tmp_path))
    loaded = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(loaded.run(vectors, mask), expected)


def test_a_plan_holds_its_bound_and_covers_all_pairs() -> None:
    for n in (2, 3, 10, 39, 200, 1001):
        for width in (2, 17, 257):
            static = BlockPlan.of(n, width)
            traced = BlockPlan.of(tf.constant(n), width)
            assert static == (int(traced.examples), int(traced.pairs))
            assert static.pairs % n == 0
            smallest = n * 32 * width
            assert static.pairs * static.examples * width <= max(2 * (1 << 20), smallest)
