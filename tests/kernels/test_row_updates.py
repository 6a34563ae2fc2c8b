"""Updates of tables in the kernels beside TensorFlow's operations, their definition."""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.optimizers.rules import RULES
from tfrs_afm import kernels, optimizers
from tfrs_afm.kernels.row_updates import may_update_rows

pytestmark = pytest.mark.skipif(kernels.status().form == "stock", reason=kernels.status().reason)
Use = Callable[..., None]
# Rows, width: one number, less than a vector of each form, one, not a multiple of one, several.
SHAPES = [(5, 1), (3000, 1), (40, 3), (7, 4), (50, 10), (9, 16), (20, 37), (4, 64), (3, 130)]
NAMES = ["Adam", "SGD", "Adagrad", "Ftrl"]


def gradients(seed: int, *, ids_as: Any = np.int64) -> list[tf.IndexedSlices]:
    """Those of a batch: rows that come once, often or never, one table that has none."""
    random = np.random.default_rng(seed)
    slices = []
    for number, (rows, width) in enumerate(SHAPES):
        count = 0 if number == seed % len(SHAPES) else 60
        ids = (rows * random.random(count) ** 2).astype(ids_as)
        values = random.normal(size=(count, width)).astype(np.float32)
        slices.append(tf.IndexedSlices(tf.constant(values), tf.constant(ids), [rows, width]))
    return slices


def tables() -> list[tf.Variable]:
    random = np.random.default_rng(8)
    return [tf.Variable(random.normal(size=shape), dtype=tf.float32) for shape in SHAPES]


def trained(optimizer: Any, steps: int = 3) -> list[np.ndarray]:
    """Tables and slots after some steps; dense variables are beside the tables."""
    shapes: list[tuple[int, ...]] = [(), (2,), (5, 7), (200, 99)]
    variables = [*tables(), *(tf.Variable(tf.ones(shape)) for shape in shapes)]
    for step in range(steps):
        random = np.random.default_rng(step)
        dense = [tf.constant(random.normal(size=shape), tf.float32) for shape in shapes]
        optimizer.apply_gradients(zip([*gradients(step), *dense], variables, strict=True))
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    return [np.asarray(variable.numpy()) for variable in (*variables, *inner.variables)]


def check(make: Callable[[], Any]) -> None:
    assert may_update_rows()
    found = trained(make())
    with kernels.stock():
        expected = trained(make())
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        # A difference of large numbers, as in Ftrl, has the noise of these.
        noise = 2e-6 * max(1.0, float(np.abs(other).max(initial=0)))
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=noise)


@pytest.mark.matrix
@pytest.mark.parametrize("name", RULES)
def test_every_rule_is_that_of_the_stock_form(name: str, form: str, use: Use) -> None:
    use(form)
    check(RULES[name].make)


@pytest.mark.matrix
@pytest.mark.parametrize(
    "options",
    [{"weight_decay": 0.1}, {"clipnorm": 0.5}, {"global_clipnorm": 0.5}, {"clipvalue": 0.2}],
    ids=str,
)
@pytest.mark.parametrize("name", NAMES)
def test_every_option_means_the_same(name: str, options: dict[str, Any]) -> None:
    check(lambda: getattr(optimizers, name)(0.1, **options))


@pytest.mark.parametrize("name", NAMES)
def test_schedules_and_loss_scales_reach_the_kernels(name: str) -> None:
    schedule = tf.keras.optimizers.schedules.ExponentialDecay(0.3, 1, 0.5)
    check(
        lambda: tf.keras.mixed_precision.LossScaleOptimizer(
            getattr(optimizers, name)(schedule), initial_scale=8.0
        )
    )


def test_a_table_that_is_excluded_from_decay_keeps_its_weights() -> None:
    one, other = tf.Variable(tf.ones([3, 2])), tf.Variable(tf.ones([3, 2]))
    optimizer = optimizers.SGD(0.5, weight_decay=0.5)
    optimizer.exclude_from_weight_decay([one])
    still = tf.IndexedSlices(tf.zeros([2, 2]), tf.constant([1, 1]), [3, 2])
    optimizer.apply_gradients([(still, one), (still, other)])
    assert one.numpy().tolist() == [[1, 1]] * 3
    assert other.numpy().tolist() == [[1, 1], [0.75, 0.75], [1, 1]]


def test_repeats_of_a_row_are_added_in_their_order(form: str, use: Use) -> None:
    """In float32 1e8 + 1 - 1e8 is 0 and 1e8 - 1e8 + 1 is 1; every float of a row goes alike."""
    use(form)
    for width in (1, 3, 16, 37):
        for values, expected in (([1e8, 1.0, -1e8], 0.0), ([1e8, -1e8, 1.0], -1.0)):
            table = tf.Variable(tf.zeros([2, width]))
            rows = tf.tile(tf.constant(values)[:, None], [1, width])
            slices = tf.IndexedSlices(rows, tf.constant([1, 1, 1]), [2, width])
            optimizers.SGD(1.0).apply_gradients([(slices, table)])
            assert (table.numpy()[1] == expected).all()
            assert (table.numpy()[0] == 0).all()


def test_rows_of_any_rank_are_updated() -> None:
    table = tf.Variable(tf.ones([4, 2, 3]))
    slices = tf.IndexedSlices(tf.ones([2, 2, 3]), tf.constant([2, 2]), [4, 2, 3])
    optimizers.SGD(0.5).apply_gradients([(slices, table)])
    assert table.numpy()[:, 0, 0].tolist() == [1, 1, 0, 1]


def test_ids_of_either_width_and_all_of_a_large_batch_are_found() -> None:
    """Every id of 100,000 in a row, in a stride that the hash could fold, and again."""
    rows = 100_000
    ids = np.concatenate([np.arange(rows), np.arange(0, rows, 4)[::-1]])
    expected = -np.bincount(ids, minlength=rows)
    for dtype in (tf.int32, tf.int64):
        table = tf.Variable(tf.zeros([rows, 1]))
        slices = tf.IndexedSlices(tf.ones([len(ids), 1]), tf.constant(ids, dtype), [rows, 1])
        optimizers.SGD(1.0).apply_gradients([(slices, table)])
        np.testing.assert_array_equal(table.numpy()[:, 0], expected)


@pytest.mark.parametrize(("ids", "bad"), [([0, 5], 5), ([-1, 2], -1), ([2**40, 0], 2**40)])
def test_an_id_outside_of_its_table_is_an_error_that_changes_nothing(
    ids: list[int], bad: int
) -> None:
    first, second = tf.Variable(tf.ones([5, 2])), tf.Variable(tf.ones([5, 2]), name="second")
    optimizer = optimizers.Adam(0.1)
    optimizer.build([first, second])
    good = tf.IndexedSlices(tf.ones([2, 2]), tf.constant([0, 1]), [5, 2])
    wrong = tf.IndexedSlices(tf.ones([2, 2]), tf.constant(ids, tf.int64), [5, 2])
    before = [variable.numpy() for variable in optimizer.variables]
    message = rf"`ids` must be in \[0, 5\)\. Received: id {bad} for second:0"
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        optimizer.apply_gradients([(good, first), (wrong, second)])
    assert (first.numpy() == 1).all()
    assert (second.numpy() == 1).all()
    for one, other in zip(before, optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other.numpy())


def test_a_table_without_rows_takes_a_gradient_without_ids() -> None:
    table = tf.Variable(tf.zeros([0, 3]))
    none = tf.IndexedSlices(tf.zeros([0, 3]), tf.zeros([0], tf.int64), [0, 3])
    optimizers.Adam(0.1).apply_gradients([(none, table)])
    assert table.shape == (0, 3)


@pytest.mark.parametrize("dense", [False, True])
def test_what_was_read_before_an_update_stays_as_it_was(dense: bool) -> None:
    """A read shares the memory of the variable until someone writes to it."""
    table = tf.Variable(tf.ones([3, 2]))
    read = table.read_value()
    gradient: Any = tf.IndexedSlices(tf.ones([1, 2]), tf.constant([1]), [3, 2])
    if dense:
        gradient = tf.constant([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    optimizers.SGD(1.0).apply_gradients([(gradient, table)])
    assert (read.numpy() == 1).all()
    assert table.numpy()[1].tolist() == [0, 0]


def test_steps_over_the_same_tables_at_once_do_not_wait_for_each_other() -> None:
    """Two threads take two tables in opposite orders, and lose no update."""
    both = [tf.Variable(tf.zeros([50, 20])) for _ in range(2)]
    slices = tf.IndexedSlices(tf.ones([100, 20]), tf.constant([*range(50)] * 2), [50, 20])

    def work(variables: list[tf.Variable]) -> None:
        optimizer = optimizers.SGD(1.0)
        for _ in range(40):
            optimizer.apply_gradients([(slices, variable) for variable in variables])

    threads = [
        threading.Thread(target=work, args=(order,), daemon=True) for order in (both, both[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert all((table.numpy() == -160).all() for table in both)


NO_MEMORY = """
import resource
import tensorflow as tf
from tfrs_afm import kernels, optimizers
from tfrs_afm.kernels.row_updates import may_update_rows
table = tf.Variable(tf.zeros([2**22, 16]))
optimizer = optimizers.SGD(1.0)
optimizer.build([table])
slices = tf.IndexedSlices(tf.ones([1, 16]), tf.constant([5]), [2**22, 16])
assert may_update_rows(), kernels.status()
read = table.read_value()
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (held + (1 << 27), held + (1 << 27)))
try:
    optimizer.apply_gradients([(slices, table)])
except tf.errors.ResourceExhaustedError as error:
    print("refused")
del read
optimizer.apply_gradients([(slices, table)])
print("alive", float(tf.gather(table, [5])[0, 0]))
"""


@pytest.mark.long
def test_too_little_memory_is_an_error_of_tensorflow() -> None:
    """A table of 256 MB that someone reads must be copied once, and half of that is left."""
    done = subprocess.run(
        [sys.executable, "-c", NO_MEMORY], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["refused", "alive", "-1.0"]
