"""Attention over all pairs in bounded memory, forward and backward, block by block."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfrs_afm._host import may_record
from tfrs_afm.interactions import formulas, tensorflow_ops
from tfrs_afm.interactions.formulas import MASKED
from tfrs_afm.interactions.pair_blocks import (
    BLOCKS_AT_A_TIME,
    BlockPlan,
    circular_pairs,
)
from tfrs_afm.kernels import pair_attention as kernels
from tfrs_afm.types import Tensor

# Where the running maximum starts, so far above a masked pair's score that its exponential is 0
# even in a row that has no other pairs.
_LOWEST = -5e29


class _Pairs(NamedTuple):
    """The pairs of one block."""

    first: Any  # (pairs,) int32, its members
    second: Any
    left: Any  # (dim + 1, pairs, examples), vectors of the first members
    right: Any
    product: Any  # (dim + 1, pairs, examples), its last row all ones; what dropout left of it
    hidden: Any  # (units, pairs * examples)
    scores: Any  # (pairs, examples)
    keep: Any  # (pairs, examples) factors of the attention under dropout, or None
    left_over: Any  # (dim, pairs, examples) factors of the products under dropout, or None


class AttentionBlocks:
    """Computes `attend_pairs` and its gradient over blocks of examples and of pairs.

    Inside, examples are the innermost axis and dim the outermost: then everything there is one of
    per pair and example (attention, its gradient) broadcasts over whole rows, and members are
    gathered in long runs. Over the blocks of pairs the softmax is a running one: a maximum and a
    sum, corrected as the maximum grows; backward needs no more than their joint logarithm.

    Args:
        vectors: `(batch, n, dim)` float32 or float64, zeros where masked.
        mask: `(batch, n)` bool.
        kernel: `(dim, units)`.
        bias: `(units,)`.
        projection: `(units, 1)`.
        groups: `(n,)` ints or None; pairs within a group are left out.
        dropout: Share of the attention weights to drop.
        pair_dropout: Share of the elements of the pairs to drop, before the attention sees them.
        seed: `(2,)` int32, what dropout draws from.
    """

    def __init__(
        self,
        vectors: Tensor,
        mask: Tensor,
        kernel: Tensor,
        bias: Tensor,
        projection: Tensor,
        groups: Tensor,
        *,
        dropout: float,
        pair_dropout: float,
        seed: Tensor,
    ) -> None:
        self.vectors, self.mask, self.groups = vectors, mask, groups
        self.kernel, self.projection = kernel, projection
        self.dropout, self.pair_dropout, self.seed = dropout, pair_dropout, seed
        self.dtype = vectors.dtype
        self.dim, self.units = kernel.shape
        # The bias is a row of W that meets a constant 1: one pass over the hidden layer less, and
        # its gradient falls out with that of W.
        self.extended = tf.concat([kernel, bias[tf.newaxis]], axis=0)  # (dim + 1, units)
        static = vectors.shape[1]
        self.n = tf.shape(vectors)[1] if static is None else static
        self.num_pairs = self.n * (self.n - 1) // 2
        self.plan = BlockPlan.of(self.n, max(self.dim + 1, self.units))
        self.undivided = static is not None and self.plan.pairs >= self.num_pairs

    def forward(self) -> tuple[Any, Any]:
        """Pools the batch.

        Returns:
            `(batch, dim)` pooled vectors, and `(batch,)` logarithms of the softmax's denominators.
        """

        def pool(block: Tensor) -> tuple[Any, Any]:
            members = self._members(block)

            def add(
                start: Tensor, top: Tensor, total: Tensor, pooled: Tensor
            ) -> tuple[Any, Any, Any]:
                pairs = self._pairs(block, members, start)
                new_top = tf.maximum(top, tf.reduce_max(pairs.scores, axis=0))
                shrink, weights = tf.exp(top - new_top), tf.exp(pairs.scores - new_top)
                total = total * shrink + tf.reduce_sum(weights, axis=0)
                if pairs.keep is not None:
                    weights *= pairs.keep
                weighted = pairs.product[: self.dim] * weights
                return new_top, total, pooled * shrink + tf.reduce_sum(weighted, axis=1)

            zeros = tf.zeros([tf.shape(members)[2]], self.dtype)
            top, total, pooled = self._over_pairs(
                add, zeros + _LOWEST, zeros, tf.zeros([self.dim, 1], self.dtype) + zeros
            )
            log_sum = top + tf.math.log(tf.maximum(total, 1e-30))
            return tf.transpose(tf.math.divide_no_nan(pooled, total)), log_sum

        (pooled, log_sums), _ = self._over_examples(
            lambda block, _: (pool(block), ()), ([None, self.dim], [None])
        )
        return pooled, log_sums

    def backward(
        self, gradient: Tensor, pooled: Tensor, log_sums: Tensor
    ) -> tuple[Any, Any, Any, Any]:
        """Computes the gradients.

        With g the gradient of the output, each pair's attention gets da = g . (v_i * v_j), its
        score ds = a (da - sum_q a_q da_q) where the sum is g . output, and its product
        a g + ds W (h * r), r being 1 where the hidden layer is active. Of the sums over pairs that
        the weights need, `(v_i * v_j) ds r` is enough for W, b and h alike.

        Args:
            gradient: `(batch, dim)`.
            pooled: What `forward` returned.
            log_sums: What `forward` returned.

        Returns:
            Gradients of vectors, kernel, bias and projection.
        """
        backprojected = self.kernel * self.projection[:, 0]  # (dim, units)
        mean = tf.reduce_sum(gradient * pooled, axis=1)  # (batch,)

        def back(block: Tensor, weights_sum: Tensor) -> tuple[Any, Any]:
            members = self._members(block)
            grad = tf.transpose(self._examples(gradient, block))  # (dim, examples)
            grad_mean, log_sum = self._examples(mean, block), self._examples(log_sums, block)
            sized = members[: self.dim] * grad[:, tf.newaxis]

            def add(start: Tensor, sums: Tensor, weights_sum: Tensor) -> tuple[Any, Any]:
                pairs = self._pairs(block, members, start)
                right, attention = pairs.right[: self.dim], tf.exp(pairs.scores - log_sum)
                of_products = tf.gather(sized, pairs.first, axis=1) * right
                if pairs.left_over is not None:
                    of_products *= pairs.left_over
                da = tf.reduce_sum(of_products, axis=0)
                kept = attention
                if pairs.keep is not None:
                    da, kept = da * pairs.keep, attention * pairs.keep
                ds = attention * (da - grad_mean)
                active = tf.sign(pairs.hidden)
                weights_sum += tf.matmul(
                    tf.reshape(pairs.product * ds, [self.dim + 1, -1]), active, transpose_b=True
                )
                through = tf.reshape(tf.matmul(backprojected, active), tf.shape(right))
                through = through * ds + kept * grad[:, tf.newaxis]  # (dim, pairs, examples)
                if pairs.left_over is not None:
                    through *= pairs.left_over
                return sums + self._to_members(pairs, members, start, through), weights_sum

            sums, weights_sum = self._over_pairs(
                add, tf.zeros_like(members[: self.dim]), weights_sum
            )
            # In two steps: a transposition of all three axes at once is several times slower.
            examples = tf.shape(sums)[2]
            flat = tf.reshape(tf.transpose(sums, [1, 0, 2]), [self.n * self.dim, examples])
            sums = tf.reshape(tf.transpose(flat), [examples, self.n, self.dim])
            return (sums,), (weights_sum,)

        (vectors,), (weights_sum,) = self._over_examples(
            lambda block, carry: back(block, *carry),
            ([None, None, self.dim],),
            (tf.zeros_like(self.extended),),
        )
        extended = weights_sum * self.projection[:, 0]  # (dim + 1, units)
        projection = tf.reduce_sum(weights_sum * self.extended, axis=0)[:, tf.newaxis]
        return vectors, extended[: self.dim], extended[self.dim], projection

    def _examples(self, rows: Tensor, block: Tensor) -> Tensor:
        start = block * self.plan.examples
        return rows[start : start + self.plan.examples]

    def _members(self, block: Tensor) -> Tensor:
        """The vectors of a block, with a last element 1: (dim + 1, n, examples)."""
        vectors = tf.transpose(self._examples(self.vectors, block), [2, 1, 0])
        return tf.concat([vectors, tf.ones_like(vectors[:1])], axis=0)

    def _pairs(self, block: Tensor, members: Any, start: Tensor) -> _Pairs:
        stop = tf.minimum(start + self.plan.pairs, self.num_pairs)
        first, second = circular_pairs(self.n, start, stop)
        left, right = tf.gather(members, first, axis=1), tf.gather(members, second, axis=1)
        product, left_over = left * right, None
        if self.pair_dropout:
            shape = tf.shape(product[: self.dim])
            seed = tf.random.experimental.stateless_fold_in(self.seed, 1)
            left_over = self._kept(shape, self.pair_dropout, seed, block, start)
            product = tf.concat([product[: self.dim] * left_over, product[self.dim :]], axis=0)
        flat = tf.reshape(product, [self.dim + 1, -1])
        hidden = tf.nn.relu(tf.matmul(self.extended, flat, transpose_a=True))
        shape = tf.shape(product)[1:]  # (pairs, examples)
        scores = tf.reshape(tf.matmul(self.projection, hidden, transpose_a=True), shape)
        mask = tf.transpose(self._examples(self.mask, block))  # (n, examples)
        real = tf.gather(mask, first) & tf.gather(mask, second)
        if self.groups is not None:
            apart = tf.gather(self.groups, first) != tf.gather(self.groups, second)
            real &= apart[:, tf.newaxis]
        scores = tf.where(real, scores, tf.constant(MASKED, self.dtype))
        keep = None
        if self.dropout:
            keep = self._kept(shape, self.dropout, self.seed, block, start)
        return _Pairs(first, second, left, right, product, hidden, scores, keep, left_over)

    def _kept(
        self, shape: Tensor, dropout: float, seed: Tensor, block: Tensor, start: Tensor
    ) -> Tensor:
        """The factors of a dropout: the same ones whenever a block is computed."""
        draw = tf.random.stateless_uniform(shape, seed + tf.stack([block, start]), dtype=self.dtype)
        return tf.cast(draw >= dropout, self.dtype) / (1 - dropout)

    def _to_members(self, pairs: _Pairs, members: Any, start: Tensor, through: Tensor) -> Tensor:
        """Adds up what members get from the gradients of their pairs: (dim, n, examples)."""
        n, laps = self.n, tf.size(pairs.first) // self.n
        # In the half lap that even n has, pair i joins member i with i + n/2. Read twice, for one
        # and for the other member, it is a whole one.
        half = slice(laps * n, None)
        ends = tf.concat([pairs.second, pairs.first[half]], axis=0)
        firsts = tf.concat([through, through[:, half]], axis=1)
        firsts *= tf.gather(members[: self.dim], ends, axis=1)
        # As second member, j has pair (j - step) mod n of a lap.
        lap = tf.range(laps)[:, tf.newaxis]
        step = start // n + 1 + lap
        column = lap * n + tf.math.floormod(tf.range(n) - step, n)  # (laps, n)
        seconds = tf.gather(through * pairs.left[: self.dim], tf.reshape(column, [-1]), axis=1)
        examples = tf.shape(members)[2]
        sums = sum(
            tf.reduce_sum(tf.reshape(one, [self.dim, tf.shape(one)[1] // n, n * examples]), axis=1)
            for one in (firsts, seconds)
        )
        return tf.reshape(sums, [self.dim, n, examples])

    def _over_pairs(self, add: Callable[..., tuple], *state: Any) -> tuple:
        """Runs `add` over the blocks of pairs, from a state to a state."""
        if self.undivided:
            return add(0, *state) if self.num_pairs else state
        return tf.while_loop(
            lambda start, *_: start < self.num_pairs,
            lambda start, *state: (start + self.plan.pairs, *add(start, *state)),
            (0, *state),
            parallel_iterations=1,
        )[1:]

    def _over_examples(
        self, compute: Callable, shapes: tuple, carry: tuple = ()
    ) -> tuple[tuple, tuple]:
        """Runs `compute` over the blocks of examples; joins its outputs, hands its carry on."""
        batch = tf.shape(self.vectors)[0]
        # One at least, for the shapes of an empty batch.
        blocks = tf.maximum((batch + self.plan.examples - 1) // self.plan.examples, 1)
        outputs = tuple(
            tf.TensorArray(self.dtype, blocks, infer_shape=False, element_shape=shape)
            for shape in shapes
        )

        def step(block: Tensor, outputs: tuple, carry: tuple) -> tuple:
            values, carry = compute(block, carry)
            pairs = zip(outputs, values, strict=True)
            return block + 1, tuple(array.write(block, value) for array, value in pairs), carry

        _, outputs, carry = tf.while_loop(
            lambda block, *_: block < blocks,
            step,
            (0, outputs, carry),
            parallel_iterations=BLOCKS_AT_A_TIME,
        )
        return tuple(array.concat() for array in outputs), carry


# Floats of an example's widest part that may be held at once: 31 members of 16 by 16.
_MOST_AT_ONCE = 1 << 13


def _fit_at_once(vectors: Tensor, kernel: Tensor) -> bool:
    n = vectors.shape[1]
    return n is not None and n * (n - 1) // 2 * max(kernel.shape) <= _MOST_AT_ONCE


def _at_once(
    mask: Tensor,
    groups: Tensor | None,
    vectors: Tensor,
    kernel: Tensor,
    bias: Tensor,
    projection: Tensor,
) -> Tensor:
    """What `attend_pairs` returns, by as few operations as there can be."""
    n, dim = vectors.shape[1:]
    first, second = formulas.pair_members(tensorflow_ops, vectors)
    pairs = tf.gather(vectors, first, axis=1) * tf.gather(vectors, second, axis=1)
    hidden = tf.nn.relu(tf.nn.bias_add(tf.matmul(tf.reshape(pairs, [-1, dim]), kernel), bias))
    count = n * (n - 1) // 2
    scores = tf.reshape(tf.matmul(hidden, projection), [-1, count])
    # A product of matrices finds pairs of which both are real faster than gathers of the mask do.
    members = np.array(formulas.all_pairs(n))[:, np.newaxis] == np.arange(n)[:, np.newaxis]
    real = tf.matmul(tf.cast(mask, scores.dtype), tf.constant(members.sum(0), scores.dtype)) > 1
    if groups is None:
        # Products of what is behind the mask are zeros: whatever their share, they add nothing.
        attention = tf.nn.softmax(tf.where(real, scores, tf.constant(MASKED, scores.dtype)))
    else:
        real &= tf.gather(groups, first) != tf.gather(groups, second)
        attention = formulas.masked_softmax(tensorflow_ops, scores, real)
    return tf.squeeze(tf.matmul(attention[:, tf.newaxis], pairs), 1)


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def attend_pairs(
    vectors: Tensor,
    mask: Tensor,
    kernel: Tensor,
    bias: Tensor,
    projection: Tensor,
    groups: Tensor | None = None,
    dropout: float = 0.0,
    seed: Tensor | None = None,
    *,
    pair_dropout: float = 0.0,
) -> Tensor:
    """Pools the pairs of members by attention, without ever holding all of them.

        output = sum_{i<j} a_ij (v_i * v_j),    a = softmax of h . relu(W (v_i * v_j) + b)
    Forward and backward go over blocks of examples and of pairs (`BlockPlan`), and backward
    computes a block's pairs and hidden layer again instead of keeping them: memory stays within a
    few blocks, however many members there are. Without a gradient to come, the pairs of few
    members are held all at once: fewer operations, for the small batches of a server. Training in
    float32 on a CPU goes through `tfrs_afm.kernels` where they are there; all else is of stock
    operations, and serves anywhere.

    Args:
        vectors: `(batch, n, dim)` floats, zeros where masked.
        mask: `(batch, n)` bool, True for a real member.
        kernel: `(dim, units)`, W.
        bias: `(units,)`, b.
        projection: `(units, 1)`, h, divided by the temperature.
        groups: `(n,)` ints; pairs within one group are left out. Default: none is.
        dropout: Share of the attention weights to drop.
        seed: `(2,)` int32 that dropout draws from. Default: another one at each call.
        pair_dropout: Share of the elements of `v_i * v_j` to drop, before the attention.

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
    if (dropout or pair_dropout) and seed is None:
        seed = tf.random.uniform([2], maxval=tf.int32.max, dtype=tf.int32)

    inputs = [tf.cast(part, dtype) for part in (vectors, kernel, bias, projection)]
    if not pair_dropout and kernels.apply_to(*inputs[:2]):
        members, *weights = inputs
        pooled = kernels.attend_pairs(members, mask, weights, groups, dropout, seed)
        return tf.cast(pooled, vectors.dtype)

    if not (dropout or pair_dropout or may_record()) and _fit_at_once(*inputs[:2]):
        return tf.cast(_at_once(mask, groups, *inputs), vectors.dtype)

    @tf.custom_gradient
    def run(vectors: Tensor, kernel: Tensor, bias: Tensor, projection: Tensor) -> Tensor:
        blocks = AttentionBlocks(
            vectors,
            mask,
            kernel,
            bias,
            projection,
            groups,
            dropout=dropout,
            pair_dropout=pair_dropout,
            seed=seed,
        )
        pooled, log_sums = blocks.forward()
        return pooled, lambda gradient: blocks.backward(gradient, pooled, log_sums)

    return tf.cast(run(*inputs), vectors.dtype)
