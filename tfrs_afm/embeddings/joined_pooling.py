"""Looked-up rows of several fields to their vectors, as each column's combiner says."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.joined_members import JoinedMembers
from tfrs_afm.embeddings.combine import segment_sum
from tfrs_afm.types import Tensor


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def pool(
    rows: Sequence[Any],
    weights: Sequence[Any] | None,
    members: JoinedMembers,
    combiners: Sequence[str],
) -> tuple[Any, Any, Any]:
    """Pools members, each of value 1; see `combine` for the formulas.

    Most scalar columns have one id an example, but neither a SparseTensor nor a ragged one says
    so. Where the batch at hand turns out to be such, the looked-up rows are the pooled vectors
    already, and the sums are left out.

    Args:
        rows: For each of F fields `(count, dim)`, the row of each member.
        weights: For each `(count, 1)`, the linear weight of each member; None without them.
        members: The members, without ids below 0.
        combiners: For each field "sum", "mean" or "sqrtn".

    Returns:
        Vectors `(batch, F, dim)`, mask `(batch, F)`, and linear terms `(batch, F)` or None.
    """
    fields, dim = len(rows), rows[0].shape[1]
    parts = [rows] if weights is None else [rows, weights]

    def looked_up() -> list[Any]:
        return [
            *(tf.concat(part, 1) for part in parts),  # (batch, F * dim), (batch, F)
            tf.ones(tf.stack([members.batch, fields]), tf.bool),
        ]

    def pooled() -> list[Any]:
        places = members.segments()
        segments = tf.cast(fields, tf.int64) * members.batch
        counts = tf.raw_ops.DenseBincount(  # faster than to scatter ones
            input=tf.cast(places, tf.int32),
            size=tf.cast(segments, tf.int32),
            weights=tf.zeros([0], tf.float32),
        )
        scale = scales(counts, combiners, members.batch)
        return [
            *(
                _by_example(segment_sum(tf.concat(part, 0), places, segments, scale))
                for part in parts
            ),
            tf.transpose(tf.reshape(counts, [fields, -1]) > 0),
        ]

    def _by_example(sums: Tensor) -> Tensor:
        width = sums.shape[1]
        turned = tf.transpose(tf.reshape(sums, [fields, -1, width]), [1, 0, 2])
        return tf.reshape(turned, [-1, fields * width])

    if members.one_each is None or members.one_each is True:
        *sums, mask = looked_up() if members.one_each else pooled()
    else:
        *sums, mask = tf.cond(members.one_each, looked_up, pooled)
    vectors = tf.reshape(sums[0], [-1, fields, dim])
    mask = tf.ensure_shape(mask, [None, fields])
    return vectors, mask, None if weights is None else tf.ensure_shape(sums[1], [None, fields])


def scales(counts: Tensor, combiners: Sequence[str], batch: Tensor) -> Tensor | None:
    """What multiplies the sum over each segment's members.

    Args:
        counts: `(F * batch,)` float32, the number of members of each segment, field after field.
        combiners: For each of F fields "sum", "mean" or "sqrtn".
        batch: `()` int64.

    Returns:
        `(F * batch,)` float32; None where it is 1 throughout.
    """
    kinds = set(combiners)
    if kinds == {"sum"}:
        return None
    by = {"sum": tf.ones_like, "mean": lambda one: one, "sqrtn": tf.sqrt}
    if len(kinds) == 1:
        return tf.math.divide_no_nan(1.0, by[combiners[0]](counts))
    divisors = tf.ones_like(counts)
    for kind in sorted(kinds - {"sum"}):
        chosen = tf.repeat(tf.constant([one == kind for one in combiners]), batch)
        divisors = tf.where(chosen, by[kind](counts), divisors)
    return tf.math.divide_no_nan(1.0, divisors)


def in_order(vectors: Tensor, order: Sequence[int]) -> Tensor:
    """Takes fields in an order, with a gradient that is a gather as well.

    Args:
        vectors: `(batch, n, ...)`.
        order: The fields to take.

    Returns:
        `(batch, len(order), ...)`.
    """
    count = vectors.shape[1]
    if list(order) == list(range(count)):
        return vectors
    if sorted(order) != list(range(count)):
        return tf.gather(vectors, list(order), axis=1)
    back = [list(order).index(place) for place in range(count)]

    @tf.custom_gradient
    def permuted(values: Tensor) -> Any:
        return tf.gather(values, list(order), axis=1), lambda upstream: tf.gather(
            upstream, back, axis=1
        )

    return permuted(vectors)
