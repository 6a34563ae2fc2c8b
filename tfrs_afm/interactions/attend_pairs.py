"""Pairs, attention and pooling as one operation of bounded memory."""

from typing import Any

import tensorflow as tf

from tfrs_afm.interactions.attention_blocks import AttentionBlocks
from tfrs_afm.kernels import pair_attention as kernels


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def attend_pairs(
    vectors: Any,
    mask: Any,
    kernel: Any,
    bias: Any,
    projection: Any,
    groups: Any = None,
    dropout: float = 0.0,
    seed: Any = None,
) -> Any:
    """Pools the pairs of members by attention, without ever holding all of them.

        output = sum_{i<j} a_ij (v_i * v_j),    a = softmax of h . relu(W (v_i * v_j) + b)
    Forward and backward go over blocks of examples and of pairs (`BlockPlan`), and backward
    computes a block's pairs and hidden layer again instead of keeping them: memory stays within a
    few blocks, however many members there are. Training in float32 on a CPU goes through
    `tfrs_afm.kernels` where they are there; all else is of stock operations, and serves anywhere.

    Args:
        vectors: `(batch, n, dim)` floats, zeros where masked.
        mask: `(batch, n)` bool, True for a real member.
        kernel: `(dim, units)`, W.
        bias: `(units,)`, b.
        projection: `(units, 1)`, h, divided by the temperature.
        groups: `(n,)` ints; pairs within one group are left out. Default: none is.
        dropout: Share of the attention weights to drop.
        seed: `(2,)` int32 that dropout draws from. Default: another one at each call.

    Returns:
        `(batch, dim)` of the dtype of `vectors`; zeros where a row has no real pair. Computed in
        float32, or in float64 for float64 vectors.

    Example:
        >>> vectors = tf.constant([[[1.0, 2.0], [3.0, 4.0]]])
        >>> mask, one = tf.ones([1, 2], tf.bool), tf.ones([2, 1])
        >>> attend_pairs(vectors, mask, one, tf.zeros([1]), one[:1]).numpy().tolist()
        [[3.0, 8.0]]
    """
    dtype = tf.float64 if vectors.dtype == tf.float64 else tf.float32
    # One seed a call: backward must drop what forward dropped.
    if dropout and seed is None:
        seed = tf.random.uniform([2], maxval=tf.int32.max, dtype=tf.int32)

    inputs = [tf.cast(part, dtype) for part in (vectors, kernel, bias, projection)]
    if kernels.apply_to(*inputs[:2]):
        members, *weights = inputs
        pooled = kernels.attend_pairs(members, mask, weights, groups, dropout, seed)
        return tf.cast(pooled, vectors.dtype)

    @tf.custom_gradient
    def run(vectors: Any, kernel: Any, bias: Any, projection: Any) -> Any:
        blocks = AttentionBlocks(
            vectors, mask, kernel, bias, projection, groups, dropout=dropout, seed=seed
        )
        pooled, log_sums = blocks.forward()
        return pooled, lambda gradient: blocks.backward(gradient, pooled, log_sums)

    return tf.cast(run(*inputs), vectors.dtype)
