"""Pair attention in the kernels: when they are used, and their gradients."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm._host import may_record
from tfrs_afm.kernels.library import load, mark_graphs, may_stand_here, stock

# What forward keeps for backward, in bytes: the scores of a batch and a bit for each hidden unit
# of each pair. Beyond, backward computes them again, at a quarter more work.
MOST_KEPT = 64 << 20

# Up to here, in dim x units, the portable form is the faster one; above, TensorFlow's products are.
_MOST_PORTABLE = 1024


def in_use() -> bool:
    """Whether pairs are attended to by the kernels here and now, in float32.

    They are where a gradient tape records, which is to say in training: forward then keeps what
    backward needs. Without one, while a SavedModel is traced, under XLA, beside devices that are no
    CPU, on parameter servers, within `stock()` and where none are loaded, the stock form computes;
    so it does in float64, and in place of the portable form for a wide W.
    """
    return may_record() and may_stand_here()


def apply_to(vectors: Any, kernel: Any) -> bool:
    """Whether the kernels attend to these members, with this W, here and now."""
    if vectors.dtype != tf.float32 or not in_use():
        return False
    dim, units = kernel.shape
    return load()[0].form != "portable" or dim * units <= _MOST_PORTABLE


def attend_pairs(
    vectors: Any,
    mask: Any,
    weights: Sequence[Any],
    groups: Any,
    dropout: float,
    seed: Any,
) -> Any:
    """Pools the pairs of members by attention, in the kernels.

    Args:
        vectors: `(batch, n, dim)` float32.
        mask: `(batch, n)` bool.
        weights: Float32 kernel `(dim, units)`, bias `(units,)` and projection `(units, 1)`.
        groups: `(n,)` ints, or None; pairs within one group are left out.
        dropout: Share of the attention weights to drop.
        seed: `(2,)` int32, or None without dropout. The same seed drops the same pairs.

    Returns:
        `(batch, dim)` float32; zeros where a row has no real pair.
    """
    found, operations = load()
    mark_graphs()
    pooled, _, _ = operations.tfrs_afm_attend_pairs(
        vectors,
        mask,
        *weights,
        tf.zeros([0], tf.int32) if groups is None else tf.cast(groups, tf.int32),
        tf.zeros([2], tf.int32) if seed is None else seed,
        form=found.form,
        dropout=dropout,
        most_kept=MOST_KEPT,
    )
    return pooled


@tf.RegisterGradient("TfrsAfmAttendPairs")
def _gradient(op: Any, pooled: Any, *_: Any) -> list[Any]:
    operations = load()[1]
    vectors, kernel, bias, projection = operations.tfrs_afm_attend_pairs_grad(
        *op.inputs,
        *op.outputs,
        pooled,
        form=op.get_attr("form"),
        dropout=op.get_attr("dropout"),
    )
    return [vectors, None, kernel, bias, projection, None, None]


@tf.RegisterGradient("TfrsAfmAttendPairsGrad")
def _second_gradient(op: Any, *gradients: Any) -> list[Any]:
    """The gradient of a gradient, by the stock form, whose operations all have one."""
    # Not above: interactions stand on kernels, and only here does it go the other way.
    from tfrs_afm.interactions.pair_attention import attend_pairs as stock_form

    if op.get_attr("dropout"):
        raise NotImplementedError(
            "The kernels have no gradient of a gradient under attention dropout. Compute it within "
            "`with tfrs_afm.kernels.stock():`."
        )
    vectors, mask, kernel, bias, projection, groups, _, _, _, _, gradient = op.inputs
    # Members that share no group are one in a group each.
    own = tf.range(tf.shape(vectors)[1])
    groups = tf.cond(tf.size(groups) > 0, lambda: groups, lambda: own)
    inputs = [vectors, kernel, bias, projection]
    with stock(), tf.GradientTape() as outer:
        outer.watch([*inputs, gradient])
        with tf.GradientTape() as inner:
            inner.watch(inputs)
            pooled = stock_form(vectors, mask, kernel, bias, projection, groups)
        first = inner.gradient(pooled, inputs, output_gradients=gradient)
    second = outer.gradient(
        first, [*inputs, gradient], output_gradients=gradients, unconnected_gradients="zero"
    )
    return [second[0], None, *second[1:4], None, None, None, None, None, second[4]]
