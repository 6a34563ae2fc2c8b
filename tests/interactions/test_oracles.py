import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests import oracles
from tfrs_afm import interactions

floats = st.floats(-2, 2, width=32)
shapes = st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 4))


@st.composite
def batches(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(shapes)
    vectors = draw(arrays(np.float32, shape, elements=floats))
    return vectors, draw(arrays(np.bool_, shape[:2]))


@given(batches())
def test_factorization_machine_is_the_sum_over_real_pairs(batch: tuple) -> None:
    vectors, mask = batch
    ours = interactions.FactorizationMachine()(tf.constant(vectors), tf.constant(mask)).numpy()
    for row in range(len(vectors)):
        expected = oracles.factorization_machine(vectors[row], mask[row])
        np.testing.assert_allclose(ours[row, 0], expected, rtol=1e-4, atol=1e-4)


@given(batches())
def test_pairwise_product_has_every_pair_in_order(batch: tuple) -> None:
    vectors, mask = batch
    pairs, pair_mask = interactions.PairwiseProduct()(tf.constant(vectors), tf.constant(mask))
    n = vectors.shape[1]
    order = {pair: p for p, pair in enumerate((i, j) for i in range(n) for j in range(i + 1, n))}
    assert pairs.shape[1] == len(order)
    for row in range(len(vectors)):
        products = oracles.pair_products(vectors[row], mask[row])
        assert pair_mask.numpy()[row].sum() == len(products)
        for i, j, product in products:
            assert pair_mask.numpy()[row, order[i, j]]
            np.testing.assert_allclose(
                pairs.numpy()[row, order[i, j]], product, rtol=1e-5, atol=1e-9
            )


@given(batches(), st.integers(1, 3), st.sampled_from([0.5, 1.0, 3.0]))
def test_afm_is_the_papers_sum(batch: tuple, units: int, temperature: float) -> None:
    vectors, mask = batch
    rng = np.random.default_rng(5)
    terms = rng.normal(size=mask.shape).astype(np.float32)
    layer = interactions.AFM(units, temperature=temperature)
    layer(tf.constant(vectors), tf.constant(mask), tf.constant(terms))
    weights = {v.name.split("afm", 1)[1].split("/", 1)[1]: v for v in layer.weights}
    for variable in weights.values():
        variable.assign(rng.normal(size=variable.shape))
    get = {name.removesuffix(":0"): v.numpy().astype(np.float64) for name, v in weights.items()}
    ours = layer(tf.constant(vectors), tf.constant(mask), tf.constant(terms)).numpy()
    attention_name = next(n for n in get if n.startswith("attention_pooling"))
    prefix = attention_name.split("/")[0]
    bias = next(v for n, v in get.items() if n.startswith("linear"))
    for row in range(len(vectors)):
        products = [p for _, _, p in oracles.pair_products(vectors[row], mask[row])]
        attention = oracles.attention(
            products,
            get[f"{prefix}/kernel"],
            get[f"{prefix}/bias"],
            get[f"{prefix}/projection"][:, 0],
            temperature,
        )
        pooled = oracles.attention_pooling(products, attention, vectors.shape[2])
        expected = oracles.linear(terms[row], mask[row], float(bias[0]))
        expected += float(pooled @ get["projection"][:, 0])
        np.testing.assert_allclose(ours[row, 0], expected, rtol=1e-3, atol=1e-3)


@given(batches())
def test_deep_is_a_tower_over_the_masked_fields(batch: tuple) -> None:
    vectors, mask = batch
    layer = interactions.Deep([4, 3])
    ours = layer(tf.constant(vectors), tf.constant(mask)).numpy()
    weights = [w.astype(np.float64) for w in layer.get_weights()]
    layers = list(zip(weights[::2], weights[1::2], strict=True))
    for row in range(len(vectors)):
        flat = (vectors[row] * mask[row][:, None]).reshape(-1)
        expected = oracles.dense_tower(flat, layers)
        np.testing.assert_allclose(ours[row, 0], expected, rtol=1e-4, atol=1e-4)


def test_afm_gradient_is_the_oracles() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(1, 4, 3)).astype(np.float32)
    mask = np.array([[True, True, False, True]])
    layer = interactions.AFM(2)
    layer(tf.constant(vectors), tf.constant(mask))
    pool = layer._pooling
    kernel, bias, head = (np.float64(v) for v in (pool.kernel, pool.bias, pool.projection))

    def logit(point: np.ndarray) -> float:
        products = [p for _, _, p in oracles.pair_products(point[0], mask[0])]
        weights = oracles.attention(products, kernel, bias, head[:, 0])
        return float(oracles.attention_pooling(products, weights, 3).sum())  # p starts as ones

    point = tf.constant(vectors)
    with tf.GradientTape() as tape:
        tape.watch(point)
        out = layer(point, tf.constant(mask))
    np.testing.assert_allclose(
        tape.gradient(out, point), oracles.numeric_gradient(logit, vectors), rtol=1e-3, atol=1e-4
    )
