"""The kernels against the papers' sums, and against themselves."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import oracles
from tests.kernels.conftest import FORMS
from tfrs_afm import kernels
from tfrs_afm.interactions.pair_attention import attend_pairs
from tfrs_afm.kernels import pair_attention
from tfrs_afm.kernels.library import load

RNG = np.random.default_rng(21)
Use = Callable[..., None]


def case(batch: int, n: int, dim: int, units: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Float32 vectors, W, b, h, and a mask; vectors are zeros where masked."""
    shapes = ((batch, n, dim), (dim, units), (units,), (units, 1))
    arrays = [RNG.normal(size=shape).astype(np.float32) for shape in shapes]
    arrays[1] /= np.sqrt(np.float32(dim))  # scores of a size that float32 has digits for
    arrays[3] /= np.sqrt(np.float32(units))
    mask = RNG.random((batch, n)) < 0.8
    mask[:1] = False
    arrays[0][~mask] = 0
    return arrays, mask


def run(
    arrays: list[Any], mask: Any, sizes: Any, groups: Any = None, **options: Any
) -> list[np.ndarray]:
    """Output and gradients of the sum of `sizes * output`, in the dtype of the arrays."""
    inputs = [tf.constant(array) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        out = attend_pairs(inputs[0], tf.constant(mask), *inputs[1:], groups, **options)
        loss = tf.reduce_sum(out * tf.constant(sizes, out.dtype))
    return [part.numpy() for part in (out, *tape.gradient(loss, inputs))]


def pooled(arrays: list[np.ndarray], mask: Any, groups: Any = None) -> np.ndarray:
    """The oracle: float64 double loops."""
    rows = []
    for row, real in zip(arrays[0], mask, strict=True):
        pairs = oracles.pair_products(row, real)
        products = [p for i, j, p in pairs if groups is None or groups[i] != groups[j]]
        shares = oracles.attention(products, arrays[1], arrays[2], arrays[3][:, 0])
        rows.append(oracles.attention_pooling(products, shares, arrays[0].shape[2]))
    return np.array(rows).reshape(len(arrays[0]), arrays[0].shape[2])


def assert_close(found: list[np.ndarray], expected: list[np.ndarray], tolerance: float) -> None:
    for one, other in zip(found, expected, strict=True):
        scale = max(float(np.abs(other).max(initial=0.0)), 1.0)
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * scale)


@settings(max_examples=40)
@given(
    form=st.sampled_from(FORMS),
    keep=st.booleans(),
    batch=st.integers(0, 3),
    n=st.integers(0, 5),
    dim=st.integers(1, 5),
    units=st.integers(1, 6),
    grouped=st.booleans(),
)
def test_output_and_gradients_are_the_oracles(
    form: str, keep: bool, batch: int, n: int, dim: int, units: int, grouped: bool
) -> None:
    """Against double loops and central differences in float64."""
    with pytest.MonkeyPatch.context() as patch:
        use_form(patch, form, keep)
        arrays, mask = case(batch, n, dim, units)
        groups = np.arange(n, dtype=np.int32) // 2 if grouped else None
        sizes = RNG.normal(size=(batch, dim))
        out, *gradients = run(arrays, mask, sizes, groups)
    exact = [array.astype(np.float64) for array in arrays]
    assert_close([out], [pooled(exact, mask, groups)], 1e-5)

    def loss_of(place: int) -> Any:
        def loss(value: np.ndarray) -> float:
            return float(
                (pooled([*exact[:place], value, *exact[place + 1 :]], mask, groups) * sizes).sum()
            )

        return loss

    for place, gradient in enumerate(gradients):
        expected = oracles.numeric_gradient(loss_of(place), exact[place])
        if place == 0:
            assert (gradient[~mask] == 0).all()
            expected[~mask] = 0
        assert_close([gradient], [expected], 2e-5)


def use_form(patch: pytest.MonkeyPatch, form: str, keep: bool) -> None:
    """As the fixture `use`, for tests of hypothesis."""
    status, operations = load()
    if operations is None:
        pytest.skip(status.reason)
    patch.setattr(pair_attention, "_MOST_PORTABLE", 1 << 30)
    patch.setattr(pair_attention, "load", lambda: (status._replace(form=form), operations))
    patch.setattr(pair_attention, "MOST_KEPT", pair_attention.MOST_KEPT if keep else 0)


@pytest.mark.matrix
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    "sizes",
    [
        (33, 2, 1, 1),
        (70, 10, 10, 16),
        (40, 39, 16, 16),
        (17, 60, 12, 7),
        (21, 7, 33, 20),
        (5, 10, 257, 129),
        (2, 130, 3, 5),
    ],
)
def test_larger_sizes_are_those_of_the_stock_form_in_float64(
    form: str, use: Use, keep: bool, sizes: tuple[int, ...]
) -> None:
    use(form, 1 << 26 if keep else 0, most_portable=1 << 30)
    arrays, mask = case(*sizes)
    gradient = RNG.normal(size=(sizes[0], sizes[2]))
    groups = RNG.integers(0, 9, sizes[1]).astype(np.int32)
    for own in (None, groups):
        found = run(arrays, mask, gradient, own)
        expected = run([array.astype(np.float64) for array in arrays], mask, gradient, own)
        stock = stock_run(arrays, mask, gradient, own)
        # As exact as float32 is: within a few times what the stock form makes of it.
        for one, other, exact in zip(found, stock, expected, strict=True):
            error, theirs = np.abs(one - exact).max(), np.abs(other - exact).max()
            bound = 10 * theirs + 2e-6 * max(np.abs(exact).max(), 1.0)
            assert error <= bound, (error, theirs, np.abs(exact).max())


def stock_run(*arguments: Any) -> list[np.ndarray]:
    with kernels.stock():
        return run(*arguments)


def test_a_row_without_pairs_gives_zeros_everywhere(form: str, use: Use) -> None:
    use(form)
    arrays, _ = case(4, 6, 3, 4)
    mask = np.array([[False] * 6, [True] + [False] * 5, [True] * 6, [False] * 3 + [True] * 3])
    arrays[0][~mask] = 0
    out, vectors, *weights = run(arrays, mask, np.ones((4, 3)))
    assert (out[:2] == 0).all()
    assert (vectors[:2] == 0).all()
    assert all(np.isfinite(part).all() for part in weights)
    # Nothing real in the whole batch: no weight moves.
    out, *gradients = run(arrays, np.zeros((4, 6), bool), np.ones((4, 3)))
    assert all((part == 0).all() for part in (out, *gradients))


def test_what_is_not_finite_is_not_hidden(form: str, use: Use) -> None:
    use(form)
    arrays, _ = case(3, 5, 4, 3)
    mask = np.ones((3, 5), bool)
    arrays[0][1, 2, 3] = np.nan
    out, *_ = run(arrays, mask, np.ones((3, 4)))
    assert np.isnan(out[1]).any()
    assert np.isfinite(out[[0, 2]]).all()
    arrays[0][1, 2, 3] = 1
    arrays[1][0, 0] = np.nan
    assert np.isnan(run(arrays, mask, np.ones((3, 4)))[0]).any()


def test_scores_far_apart_give_the_softmax_of_the_largest(form: str, use: Use) -> None:
    use(form)
    arrays, mask = case(20, 9, 4, 3)
    arrays[3] *= 1e4
    sizes = RNG.normal(size=(20, 4))
    found = run(arrays, mask, sizes)
    # Scores of ten thousand have few digits behind the point in float32.
    assert_close(found[:1], [pooled([a.astype(np.float64) for a in arrays], mask)], 0.01)
    assert all(np.isfinite(part).all() for part in found)


def philox(counter: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """Philox 4x32-10 of `(..., 4)` words, as its authors write it."""
    words = [counter[..., i].astype(np.uint64) for i in range(4)]
    low, mask = [np.uint64(key[0]), np.uint64(key[1])], np.uint64(0xFFFFFFFF)
    for _ in range(10):
        first, second = words[0] * np.uint64(0xD2511F53), words[2] * np.uint64(0xCD9E8D57)
        words = [
            (second >> np.uint64(32)) ^ words[1] ^ low[0],
            second & mask,
            (first >> np.uint64(32)) ^ words[3] ^ low[1],
            first & mask,
        ]
        low = [(low[0] + np.uint64(0x9E3779B9)) & mask, (low[1] + np.uint64(0xBB67AE85)) & mask]
    return np.stack(words, axis=-1)


def kept_pairs(batch: int, pairs: int, seed: tuple[int, int], share: float) -> np.ndarray:
    """`(batch, pairs)`, False where dropout drops."""
    counter = np.zeros((batch, (pairs + 3) // 4, 4), np.uint64)
    counter[..., 0] = np.arange(counter.shape[1])
    counter[..., 2] = np.arange(batch)[:, np.newaxis]
    words = philox(counter, seed).reshape(batch, -1)[:, :pairs]
    return words >= int(np.float32(share).astype(np.float64) * 2**32)


def test_philox_gives_its_authors_known_answers() -> None:
    for counter, key, answer in (
        (0, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (0xFFFFFFFF, 0xFFFFFFFF, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ):
        words = philox(np.full(4, counter, np.uint64), (key, key))
        assert " ".join(f"{int(word):08x}" for word in words) == answer


@pytest.mark.parametrize("keep", [True, False])
def test_dropout_drops_what_its_seed_says_forward_and_backward(
    form: str, use: Use, keep: bool
) -> None:
    """Output and gradients are those of the formula in float64 with the same pairs dropped."""
    use(form, 1 << 26 if keep else 0)
    batch, n, share, seed = 37, 9, 0.35, (123, 456)
    arrays, mask = case(batch, n, 5, 6)
    groups, sizes = np.array([0, 0, 1, 2, 3, 4, 5, 6, 6], np.int32), RNG.normal(size=(batch, 5))
    options = {"dropout": share, "seed": tf.constant(seed, tf.int32)}
    found = run(arrays, mask, sizes, groups, **options)
    first, second = np.triu_indices(n, 1)
    real = mask[:, first] & mask[:, second] & (groups[first] != groups[second])
    factors = kept_pairs(batch, len(first), seed, share) / (1 - np.float64(np.float32(share)))
    inputs = [tf.constant(array, tf.float64) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        pairs = tf.gather(inputs[0], first, axis=1) * tf.gather(inputs[0], second, axis=1)
        scores = tf.squeeze(tf.nn.relu(pairs @ inputs[1] + inputs[2]) @ inputs[3], axis=2)
        attention = tf.nn.softmax(tf.where(real, scores, -1e9), axis=1) * real
        out = tf.einsum("bp,bpd->bd", attention * factors, pairs)
        loss = tf.reduce_sum(out * sizes)
    expected = [part.numpy() for part in (out, *tape.gradient(loss, inputs))]
    assert_close(found, expected, 1e-5)


def test_dropout_keeps_the_expected_sum(form: str, use: Use) -> None:
    use(form)
    own = np.random.default_rng(6)  # the bounds below hold for these numbers, not for all
    shapes = ((1, 5, 3), (3, 4), (4,), (4, 1))
    arrays = [own.normal(size=shape).astype(np.float32) for shape in shapes]
    plain = run(arrays, np.ones((1, 5), bool), np.ones((1, 3)))[0][0]
    arrays[0] = np.tile(arrays[0], [4000, 1, 1])
    seed = tf.constant([3, 4])
    dropped = run(arrays, np.ones((4000, 5), bool), np.ones((4000, 3)), dropout=0.3, seed=seed)[0]
    assert dropped.std(0).min() > 0.01
    assert (np.abs(dropped.mean(0) - plain) < 4 * dropped.std(0) / 4000**0.5 + 1e-6).all()


def test_a_call_repeats_to_the_bit_and_keeps_or_computes_again_alike(form: str, use: Use) -> None:
    arrays, mask = case(300, 11, 10, 12)
    sizes, seed = RNG.normal(size=(300, 10)), tf.constant([1, 2])
    results = []
    for kept in (1 << 26, 1 << 26, 0):
        use(form, kept)
        results.append(run(arrays, mask, sizes, dropout=0.2, seed=seed))
    for other in results[1:]:
        assert all((a == b).all() for a, b in zip(results[0], other, strict=True))


PROGRAM = """
import hashlib, sys
import numpy as np, tensorflow as tf
tf.config.threading.set_intra_op_parallelism_threads(int(sys.argv[1]))
from tfrs_afm import kernels, optimizers
from tfrs_afm.interactions.pair_attention import attend_pairs
from tfrs_afm.kernels import pair_attention, row_updates
from tfrs_afm.kernels.library import load
rng, (status, operations) = np.random.default_rng(0), load()
shapes, mask = ((999, 12, 10), (10, 16), (16,), (16, 1)), tf.ones([999, 12], tf.bool)
inputs = [tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes]
ids = tf.constant(rng.integers(0, 20000, 30000) ** 2 // 20000)
rows = {width: tf.constant(rng.normal(size=(30000, width)), tf.float32) for width in (1, 20)}
for form in sys.argv[2:]:
    pair_attention.load, digest = lambda: (status._replace(form=form), operations), hashlib.sha256()
    row_updates.load = pair_attention.load
    for _ in range(5):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            assert kernels.in_use(), kernels.status()
            out = attend_pairs(inputs[0], mask, *inputs[1:], dropout=0.1, seed=[1, 2])
        for part in (out, *tape.gradient(out, inputs)):
            digest.update(part.numpy().tobytes())
    tables, optimizer = [tf.Variable(tf.ones([20000, width])) for width in rows], optimizers.Adam()
    for _ in range(3):
        gradients = [tf.IndexedSlices(r, ids, [20000, width]) for width, r in rows.items()]
        optimizer.apply_gradients(zip(gradients, tables))
    for variable in (*tables, *optimizer.variables):
        digest.update(variable.numpy().tobytes())
    print(form, digest.hexdigest())
"""


@pytest.mark.long
@pytest.mark.skipif(kernels.status().form == "stock", reason=kernels.status().reason)
def test_results_are_the_same_to_the_bit_with_any_number_of_threads() -> None:
    said = []
    for threads in ("1", "2", "5"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, threads, *FORMS],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        said.append([line.split() for line in done.stdout.splitlines()])
    assert [form for form, _ in said[0]] == list(FORMS)
    assert len({digest for _, digest in said[0]}) == len(FORMS)  # each form ran
    assert said[0] == said[1] == said[2]


@pytest.mark.long
def test_a_gradient_of_a_gradient_is_the_stock_forms(form: str, use: Use) -> None:
    use(form)
    arrays, mask = case(4, 5, 3, 4)

    def penalty(inputs: list[Any]) -> list[Any]:
        with tf.GradientTape() as outer:
            outer.watch(inputs)
            with tf.GradientTape() as inner:
                inner.watch(inputs)
                out = attend_pairs(inputs[0], tf.constant(mask), *inputs[1:])
                loss = tf.reduce_sum(tf.square(out))
            norms = [tf.reduce_sum(tf.square(g)) for g in inner.gradient(loss, inputs)]
            total = tf.add_n(norms)
        return outer.gradient(total, inputs)

    found = penalty([tf.constant(array) for array in arrays])
    in_graph = tf.function(penalty)([tf.constant(array) for array in arrays])
    expected = penalty([tf.constant(array, tf.float64) for array in arrays])
    for one in (found, in_graph):
        assert_close([g.numpy() for g in one], [g.numpy() for g in expected], 1e-4)


def test_a_gradient_of_a_gradient_under_dropout_is_refused(use: Use) -> None:
    arrays, mask = case(4, 5, 3, 4)
    vectors, *weights = [tf.constant(array) for array in arrays]
    with tf.GradientTape() as outer:
        outer.watch(vectors)
        with tf.GradientTape() as inner:
            inner.watch(vectors)
            out = attend_pairs(vectors, tf.constant(mask), *weights, dropout=0.5)
        gradient = inner.gradient(out, vectors)
    with pytest.raises(NotImplementedError, match=r"kernels\.stock"):
        outer.gradient(gradient, vectors)
