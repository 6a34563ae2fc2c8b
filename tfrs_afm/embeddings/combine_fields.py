"""Members of several fields to one vector per field."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.embeddings.combine import combine
from tfrs_afm.embeddings.field_members import FieldMembers


def combine_fields(parts: Sequence[FieldMembers]) -> list[tuple[Any, Any]]:
    """Pools fields by their columns' combiners.

    Most scalar columns have one id an example, but a SparseTensor does not say so. Where the batch
    at hand turns out to be such, the looked-up rows are the pooled vectors already, and the sums
    are left out.

    Args:
        parts: The fields to pool.

    Returns:
        For each, vectors `(batch, dim)` and linear terms `(batch, 1)` or None.
    """
    scalars = [part for part in parts if not part.field.sequence and part.members.values is None]
    pooled = {part.field.name: _pool(part) for part in parts if part not in scalars}
    if scalars:
        single = tf.reduce_all(tf.stack([tf.reduce_all(part.counts == 1) for part in scalars]))

        def as_they_are() -> list[Any]:
            return [tf.identity(one) for part in scalars for one in _looked_up(part)]

        def summed() -> list[Any]:
            return [one for part in scalars for one in _pool(part) if one is not None]

        flat = iter(tf.cond(single, as_they_are, summed))
        for part in scalars:
            ones = [tf.ensure_shape(next(flat), [None, one.shape[1]]) for one in _looked_up(part)]
            pooled[part.field.name] = ones[0], ones[1] if len(ones) > 1 else None
    return [pooled[part.field.name] for part in parts]


def _looked_up(part: FieldMembers) -> list[Any]:
    return [part.rows] if part.weights is None else [part.rows, part.weights]


def _pool(part: FieldMembers) -> tuple[Any, Any]:
    combiner = part.field.combiner
    vectors = combine(part.rows, part.members, combiner, part.counts)
    if part.weights is None:
        return vectors, None
    return vectors, combine(part.weights, part.members, combiner, part.counts)
