"""Where the kernels update tables, and where TensorFlow's operations do."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.kernels.graphs import graph_of, holds_kernels, saved_operations
from tfrs_afm import kernels, optimizers
from tfrs_afm.kernels.library import load
from tfrs_afm.kernels.row_updates import may_update_rows

pytestmark = pytest.mark.skipif(kernels.status().form == "stock", reason=kernels.status().reason)
IDS = tf.constant([1, 3, 1])


class Tables(tf.Module):
    """Some tables, a dense weight and a step that trains them."""

    def __init__(self, optimizer: Any, dtype: tf.DType = tf.float32) -> None:
        super().__init__()
        self.tables = [tf.Variable(tf.ones([5, width], dtype)) for width in (1, 2, 8)]
        self.weight = tf.Variable(tf.ones([], dtype))
        self.optimizer = optimizer
        optimizer.build([*self.tables, self.weight])
        self.step = tf.function(self.train, input_signature=[tf.TensorSpec([None], tf.int32)])

    def train(self, ids: Any) -> Any:
        variables = [*self.tables, self.weight]
        with tf.GradientTape() as tape:
            rows = tf.concat([tf.gather(table, ids) for table in self.tables], axis=1)
            loss = tf.reduce_sum(tf.square(rows * self.weight))
        gradients = tape.gradient(loss, variables)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss


def ops_of(optimizer: Any, dtype: tf.DType = tf.float32) -> list[str]:
    return graph_of(Tables(optimizer, dtype).step)


@pytest.mark.parametrize("name", ["Adam", "SGD", "Adagrad", "Ftrl"])
def test_all_variables_of_a_step_are_one_operation(name: str) -> None:
    ops = ops_of(getattr(optimizers, name)(0.1, weight_decay=0.1))
    assert ops.count("TfrsAfmUpdateRows") == 1
    left = {"ResourceScatterUpdate", "Unique", "UnsortedSegmentSum", "AssignSubVariableOp"}
    assert not left & set(ops)
    assert ops.count("AssignAddVariableOp") == 1  # the step counter


def test_clipping_has_one_operation_more_that_adds_up_first() -> None:
    ops = ops_of(optimizers.Adam(0.1, global_clipnorm=1.0))
    assert ops.count("TfrsAfmUpdateRows") == ops.count("TfrsAfmSumRows") == 1
    assert "Unique" not in ops


class Halved(optimizers.SGD):
    """Half a step: an optimizer of one's own, by what it overrides."""

    def update_rows(self, gradient: tf.IndexedSlices, variable: Any) -> None:
        halved = tf.IndexedSlices(gradient.values / 2, gradient.indices)
        super().update_rows(halved, variable)


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (lambda: optimizers.Adam(0.1), tf.float64),
        (lambda: optimizers.Adam(0.1), tf.float16),
        (lambda: optimizers.Adam(0.1, use_ema=True), tf.float32),
        (lambda: Halved(0.1), tf.float32),
    ],
    ids=["float64", "float16", "use_ema", "derived class"],
)
def test_what_they_do_not_know_is_left_to_stock_operations(
    make: Callable[[], Any], dtype: tf.DType
) -> None:
    assert not holds_kernels(ops_of(make(), dtype))


def test_a_derived_class_has_the_update_of_its_own() -> None:
    table = tf.Variable(tf.zeros([2, 1]))
    Halved(1.0).apply_gradients([(tf.IndexedSlices(tf.ones([2, 1]), [1, 1], [2, 1]), table)])
    assert table.numpy().tolist() == [[0], [-1]]


@pytest.mark.parametrize(("options", "expected"), [({}, -2), ({"clipvalue": 1.5}, -1.5)])
def test_float64_beside_float32_has_its_repeats_added_up(
    options: dict[str, float], expected: float
) -> None:
    kinds = (tf.float64, tf.float32, tf.float64, tf.float32)
    tables = [tf.Variable(tf.zeros([2, 1], dtype)) for dtype in kinds]
    slices = [tf.IndexedSlices(tf.ones([2, 1], t.dtype), tf.constant([1, 1])) for t in tables]
    optimizers.SGD(1.0, **options).apply_gradients(zip(slices, tables, strict=True))
    assert [table.numpy().tolist() for table in tables] == [[[0], [expected]]] * 4


def test_a_table_given_twice_takes_both_gradients() -> None:
    table = tf.Variable(tf.zeros([2, 1]))
    slices = tf.IndexedSlices(tf.ones([2, 1]), tf.constant([1, 1]), [2, 1])
    optimizer = optimizers.SGD(1.0)
    optimizer.build([table])
    optimizer.apply_gradients([(slices, table), (slices, table)])
    assert table.numpy().tolist() == [[0], [-4]]


def test_a_gradient_of_one_number_a_row_spreads_over_it_as_ever() -> None:
    found = []
    for context in (kernels.stock, tf.init_scope):
        table = tf.Variable(tf.zeros([3, 4]))
        slices = tf.IndexedSlices(tf.ones([2, 1]), tf.constant([1, 1]), [3, 4])
        with context():
            optimizers.SGD(1.0).apply_gradients([(slices, table)])
        found.append(table.numpy().tolist())
    assert found[0] == found[1] == [[0] * 4, [-2] * 4, [0] * 4]


def test_an_unknown_variable_is_an_error_as_ever() -> None:
    known, other = tf.Variable(tf.ones([5, 2])), tf.Variable(tf.ones([5, 2]))
    optimizer = optimizers.SGD(1.0)
    optimizer.build([known])
    slices = tf.IndexedSlices(tf.ones([3, 2]), IDS, [5, 2])
    with pytest.raises(KeyError, match="cannot recognize variable"):
        optimizer.apply_gradients([(slices, other)])


def test_within_stock_there_are_none() -> None:
    with kernels.stock():
        assert not holds_kernels(ops_of(optimizers.SGD(0.1)))


def test_a_strategy_xla_a_gpu_or_a_second_device_have_stock_operations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert may_update_rows()
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        assert not may_update_rows()
        module = Tables(optimizers.SGD(0.1))
    step = tf.function(lambda: strategy.run(module.train, (IDS,)))
    assert not holds_kernels(graph_of(step))
    seen = []
    tf.function(lambda: seen.append(may_update_rows()), jit_compile=True).get_concrete_function()
    assert seen == [False]
    cpus = tf.config.list_logical_devices()
    for kind in ("GPU", "CPU"):
        devices = [*cpus, tf.config.LogicalDevice(f"/device:{kind}:1", kind)]
        with monkeypatch.context() as patch:
            patch.setattr(tf.config, "list_logical_devices", lambda devices=devices: devices)
            assert not may_update_rows()


def test_a_step_that_is_saved_holds_none_of_them(tmp_path: pathlib.Path) -> None:
    module = Tables(optimizers.SGD(0.1))
    module.step(IDS)
    assert holds_kernels(graph_of(module.step))
    with pytest.raises(ValueError, match=r"with tfrs_afm\.kernels\.stock\(\):"):
        tf.saved_model.save(
            module, str(tmp_path / "no"), signatures=module.step.get_concrete_function()
        )
    tf.saved_model.save(module, str(tmp_path / "yes"))
    assert not holds_kernels(saved_operations(tmp_path / "yes"))
    loaded = tf.saved_model.load(str(tmp_path / "yes"))
    np.testing.assert_allclose(loaded.step(IDS), module.step(IDS), rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "adamax"}, "There is no rule 'adamax'"),
        ({"form": "sve2"}, "This processor has no form 'sve2'"),
        ({"rule": "sgd"}, "`slots` must be 0 a table"),
        ({"names": []}, "`names`, `decayed` and `dense` must be one a table"),
        ({"numbers": [0.0, 0.1]}, "`numbers` must be 3"),
        ({"ids": [tf.constant([1], tf.int64)]}, "`gradients` must be"),
        ({"gradients": [tf.ones([2, 3])]}, "`gradients` must have rows of the table"),
        ({"dense": [True]}, "`gradients` must have rows of the table"),
        ({"slots": [(5, 3)]}, "`slots` must be initialized and of the shape of t"),
        ({"slots": "table"}, "one of them twice"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_what_does_not_fit_is_an_error_of_tensorflow(change: dict[str, Any], message: str) -> None:
    table, slot = tf.Variable(tf.ones([5, 2])), tf.Variable(tf.ones([5, 2]))
    other = tf.Variable(tf.ones([5, 3]))
    arguments = {
        "tables": [table.handle],
        "slots": [slot.handle],
        "ids": [tf.constant([1, 2], tf.int64)],
        "gradients": [tf.ones([2, 2])],
        "numbers": [0.0, 0.1, 0.9],
        "rule": "momentum",
        "form": "portable",
        "names": ["t"],
        "decayed": [False],
        "dense": [False],
    }
    if "slots" in change:
        change = {"slots": [table.handle if change["slots"] == "table" else other.handle]}
    errors = (tf.errors.InvalidArgumentError, tf.errors.FailedPreconditionError)
    with pytest.raises(errors, match=message):
        load()[1].tfrs_afm_update_rows(**{**arguments, **change})
    assert (table.numpy() == 1).all()
    load()[1].tfrs_afm_update_rows(**arguments)
    assert (table.numpy()[1:3] == np.float32(1.8)).all()


def test_sums_refuse_ids_and_rows_that_do_not_fit() -> None:
    sum_rows = load()[1].tfrs_afm_sum_rows
    ids = tf.constant([3, 1, 3], tf.int64)
    found, sums = sum_rows(ids=[ids], gradients=[tf.ones([3, 2])], form="portable")
    assert found[0].numpy().tolist() == [3, 1]
    assert sums[0].numpy().tolist() == [[2, 2], [1, 1]]
    with pytest.raises(tf.errors.InvalidArgumentError, match="`gradients` must be"):
        sum_rows(ids=[ids], gradients=[tf.ones([2, 2])], form="portable")
    with pytest.raises(tf.errors.InvalidArgumentError, match="no such form"):
        sum_rows(ids=[ids], gradients=[tf.ones([3, 2])], form="sve2")
