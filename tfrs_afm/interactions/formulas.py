"""The sums of the interactions, written once for all that can compute them.

Each takes `ops`: `keras.ops` under Keras 3, which knows TensorFlow, JAX and PyTorch, and
`tensorflow_ops` under Keras 2. Neither is imported here. Vectors are `(batch, n, dim)` and zeros
where masked, pairs `(batch, num_pairs, dim)`, their mask `(batch, num_pairs)` bool.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:  # importing it imports TensorFlow
    from tfrs_afm.types import Tensor

MASKED = -1e30
"""The score of a masked pair: no real one comes near it. Finite, so that no gradient is NaN."""


class Contributions(NamedTuple):
    """The parts that a logit is the sum of, batch first.

    `bias + sum(linear) + sum(pairs) + deep` is the logit.

    Attributes:
        bias: `()`, w0.
        linear: `(batch, n)`, `w_i x_i`; zeros without linear weights.
        pairs: `(batch, num_pairs)`, signed share of each pair, in the order of `PairwiseProduct`.
        attention: `(batch, num_pairs)`, the attention of each pair; ones for real pairs where the
            model has none.
        deep: `(batch,)`, the deep tower's logit; zeros without a tower.
    """

    bias: Any
    linear: Any
    pairs: Any
    attention: Any
    deep: Any


def all_pairs(n: int) -> tuple[list[int], list[int]]:
    """Returns the members of all pairs, row by row.

    Example:
        >>> all_pairs(3)
        ([0, 0, 1], [1, 2, 2])
    """
    pairs = list(itertools.combinations(range(n), 2))
    return [first for first, _ in pairs], [second for _, second in pairs]


def pair_members(ops: Any, vectors: Tensor) -> tuple[Any, Any]:
    """Returns the first and the second members of all pairs, row by row, `(num_pairs,)` each."""
    n = vectors.shape[1]
    if n is None:
        one = ops.arange(ops.shape(vectors)[1])
        first, second = ops.nonzero(one[:, None] < one)
        return first, second
    first, second = (ops.convert_to_tensor(one, dtype="int32") for one in all_pairs(n))
    return first, second


def products(
    ops: Any, vectors: Tensor, mask: Tensor, groups: Tensor | None = None
) -> tuple[Any, Any]:
    """Makes the pairs and their mask; a pair within one group is not real."""
    first, second = pair_members(ops, vectors)
    pairs = ops.take(vectors, first, axis=1) * ops.take(vectors, second, axis=1)
    real = ops.take(mask, first, axis=1) & ops.take(mask, second, axis=1)
    if groups is not None:
        real = real & (ops.take(groups, first, axis=0) != ops.take(groups, second, axis=0))
    return pairs, real


def sum_of_pairs(ops: Any, vectors: Tensor, groups: Tensor | None = None) -> Tensor:
    """Sums the products of all pairs of members in time linear in their number.

        sum_{i<j} v_i * v_j = 1/2 ((sum_i v_i)^2 - sum_g (sum_{i in g} v_i)^2)
    over pairs of different groups g, where without groups each member is its own.

    Args:
        ops: What computes.
        vectors: `(batch, n, dim)` floats, zeros where masked.
        groups: `(n,)` ints in [0, n); pairs within one group are left out. Default: none is.

    Returns:
        `(batch, dim)`.
    """
    if groups is None:
        squares = ops.sum(ops.square(vectors), axis=1)
    else:
        members = ops.transpose(vectors, [1, 0, 2])  # (n, batch, dim)
        sums = ops.segment_sum(members, groups, num_segments=ops.shape(members)[0])
        squares = ops.sum(ops.square(sums), axis=0)
    return 0.5 * (ops.square(ops.sum(vectors, axis=1)) - squares)


def number_of_pairs(ops: Any, mask: Tensor, groups: Tensor | None = None) -> Tensor:
    """Counts the real pairs of each row, `(batch, 1)`."""
    # In float32: float16 ends at 65504, the pairs of 363 members.
    return sum_of_pairs(ops, ops.cast(mask, "float32")[:, :, None], groups)


def average_of_pairs(
    ops: Any, vectors: Tensor, mask: Tensor, groups: Tensor | None = None
) -> Tensor:
    """Averages the products of all real pairs, `(batch, dim)`; zeros where a row has none."""
    share = ops.divide_no_nan(1.0, number_of_pairs(ops, mask, groups))
    return sum_of_pairs(ops, vectors, groups) * ops.cast(share, vectors.dtype)


def weighted_sum(ops: Any, attention: Tensor, pairs: Tensor) -> Tensor:
    """Sums pairs by their weights, `(batch, dim)`."""
    return ops.einsum("bp,bpd->bd", attention, pairs)


def masked_softmax(ops: Any, scores: Tensor, real: Tensor | None = None) -> Tensor:
    """The softmax of each row over what is real in it, and zeros elsewhere.

    Args:
        ops: What computes.
        scores: `(batch, num_pairs)`, float32 or float64.
        real: `(batch, num_pairs)` bool. Default: all.

    Returns:
        `(batch, num_pairs)`; rows sum to 1, or to 0 where nothing is real. No NaN anywhere, also
        not in gradients.
    """
    if real is not None:
        scores = ops.where(real, scores, MASKED)
    # That of one is 1, of which Keras warns.
    one = scores.shape[1] == 1
    attention = ops.exp(scores - scores) if one else ops.softmax(scores, axis=1)
    return attention if real is None else ops.where(real, attention, 0.0)


def pair_attention(
    ops: Any,
    pairs: Tensor,
    mask: Tensor | None,
    kernel: Tensor,
    bias: Tensor,
    projection: Tensor,
    *,
    softmax: bool = True,
) -> Tensor:
    """The attention of each pair, softmax of h . relu(W x_p + b).

    Args:
        ops: What computes.
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool, or None: all are real.
        kernel: `(dim, units)`, W.
        bias: `(units,)`, b.
        projection: `(units, 1)`, h, divided by the temperature.
        softmax: Whether a softmax is taken, or the scores are the attention.

    Returns:
        `(batch, num_pairs)` of the dtype of `pairs`, zeros where masked. Computed in float32, or in
        float64 for float64 pairs: scores of float16 would leave no room for the masked ones below.
    """
    dtype = "float64" if "float64" in str(pairs.dtype) else "float32"
    inputs, kernel, bias, projection = (
        ops.cast(one, dtype) for one in (pairs, kernel, bias, projection)
    )
    hidden = ops.relu(ops.matmul(inputs, kernel) + bias)  # (batch, num_pairs, units)
    scores = ops.squeeze(ops.matmul(hidden, projection), axis=2)
    if softmax:
        scores = masked_softmax(ops, scores, mask)
    elif mask is not None:
        scores = ops.where(mask, scores, 0.0)
    return ops.cast(scores, pairs.dtype)


def real_pairs(ops: Any, pairs: Tensor, mask: Tensor | None = None) -> Tensor:
    """Returns 1 for each real pair and 0 for the others, `(batch, num_pairs)`."""
    return ops.ones_like(pairs[:, :, 0]) if mask is None else ops.cast(mask, pairs.dtype)


def equal_attention(ops: Any, pairs: Tensor, mask: Tensor | None = None) -> Tensor:
    """Returns the equal share of each real pair and 0 for the others, `(batch, num_pairs)`."""
    real = real_pairs(ops, pairs, mask)
    return ops.divide_no_nan(real, ops.sum(real, axis=1, keepdims=True))


def largest(ops: Any, pairs: Tensor, mask: Tensor | None = None) -> Tensor:
    """Returns which pair each largest element comes from.

    Args:
        ops: What computes.
        pairs: `(batch, num_pairs, dim)` floats.
        mask: `(batch, num_pairs)` bool. Default: all real.

    Returns:
        `(batch, num_pairs, dim)`, 1 at the largest real pair (the first of equals), else 0; zeros
        for a row without any.
    """
    lowest = float("-inf")
    real = None if mask is None else mask[:, :, None]
    ranked = pairs if real is None else ops.where(real, pairs, lowest)
    # Without any pair, as for n below 2, there is nothing to take the largest of.
    ranked = ops.pad(ranked, [[0, 0], [0, 1], [0, 0]], constant_values=lowest)
    count = ops.shape(pairs)[1]
    one = ops.one_hot(ops.argmax(ranked, axis=1), count, axis=1, dtype=pairs.dtype)
    return one if real is None else ops.where(real, one, 0.0)


def sum_by_weights(
    ops: Any, vectors: Tensor, weight: Tensor, groups: Tensor | None = None
) -> Tensor:
    """Sums the products of all pairs, each times its weight, without making them.

    Args:
        ops: What computes.
        vectors: `(batch, n, dim)` floats with static n, zeros where masked.
        weight: `(num_pairs,)`, row by row.
        groups: `(n,)` ints; pairs within one group are left out.

    Returns:
        `(batch, dim)`.
    """
    n = vectors.shape[1]
    places = np.array(all_pairs(n), np.int32).T  # (num_pairs, 2)
    table = ops.scatter(places, ops.cast(weight, vectors.dtype), (n, n))
    if groups is not None:
        table = table * ops.cast(groups[:, None] != groups, table.dtype)
    partners = ops.einsum("ij,bjd->bid", table, vectors)  # of each i, those behind it
    return ops.sum(vectors * partners, axis=1)


def turned_products(
    ops: Any, vectors: Tensor, mask: Tensor, kernel: Tensor, groups: Tensor | None = None
) -> tuple[Any, Any]:
    """Makes the pairs (v_i (I + D_ij)) * v_j, and their mask; D is `(num_pairs, dim, dim)`."""
    pairs, real = products(ops, vectors, mask, groups)
    left, right = (ops.take(vectors, one, axis=1) for one in pair_members(ops, vectors))
    turned = ops.einsum("bpd,pde->bpe", left, ops.cast(kernel, vectors.dtype))
    return pairs + turned * right, real


def gated(ops: Any, vectors: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Scales each vector by 1 + b_i + sum_j W_ij v_j; W is `(n, n)`, b `(n, 1)`."""
    kernel, bias = (ops.cast(one, vectors.dtype) for one in (kernel, bias))
    return vectors * (1 + (ops.einsum("ij,bjd->bid", kernel, vectors) + bias))


def linear_sum(ops: Any, bias: Tensor, terms: Tensor, mask: Tensor | None = None) -> Tensor:
    """Adds up linear terms `(batch, n)` and w0 `(1,)`, `(batch, 1)`."""
    terms = terms if mask is None else ops.where(mask, terms, 0.0)
    return ops.sum(terms, axis=1, keepdims=True) + bias


def two_branches(ops: Any, pairs: Tensor, deep: Tensor, bias: Tensor) -> Tensor:
    """Returns logits of branches, of which the mean is the sum of the two parts.

    Args:
        ops: What computes.
        pairs: `(batch, 1)`, w0, linear terms and pairs.
        deep: `(batch, 1)`, the tower's.
        bias: `(1,)`, w0, which counts once in either branch.

    Returns:
        `(batch, 2)`.
    """
    bias = ops.cast(bias, pairs.dtype)
    return ops.concatenate([2 * pairs - bias, 2 * deep + bias], axis=1)


def contributions(
    ops: Any,
    pairs: Tensor,
    attention: Tensor,
    mask: Tensor,
    *,
    projection: Tensor | None = None,
    bias: Tensor,
    linear: Tensor | None = None,
    deep: Tensor | None = None,
) -> Contributions:
    """Splits logits into the parts they are the sum of.

    Args:
        ops: What computes.
        pairs: `(batch, num_pairs, dim)`, what is pooled.
        attention: `(batch, num_pairs)`, or one for each element `(batch, num_pairs, dim)`.
        mask: `(batch, n)` bool, of the members.
        projection: `(dim,)`, p. Default: ones.
        bias: `()`, w0.
        linear: `(batch, n)`. Default: no linear terms.
        deep: `(batch, 1)`. Default: no tower.
    """
    if projection is not None:
        pairs = pairs * ops.cast(projection, pairs.dtype)
    if len(attention.shape) == 2:
        shares = attention * ops.sum(pairs, axis=2)
    else:  # one for each element, as of the largest pair
        shares = ops.sum(attention * pairs, axis=2)
        attention = ops.mean(attention, axis=2)
    zeros = ops.zeros_like(mask, dtype=pairs.dtype)
    return Contributions(
        bias=bias,
        linear=zeros if linear is None else ops.where(mask, linear, zeros),
        pairs=shares,
        attention=attention,
        deep=ops.sum(zeros, axis=1) if deep is None else ops.squeeze(deep, axis=1),
    )
