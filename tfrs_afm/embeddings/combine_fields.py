"""Members of several fields to one vector per field."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.embeddings.combine import combine
from tfrs_afm.embeddings.field_members import FieldMembers
from tfrs_afm.embeddings.member_counts import member_counts


@tf.autograph.experimental.do_not_convert  # nothing to convert, and that takes its time
def combine_fields(parts: Sequence[FieldMembers]) -> list[tuple[Any, Any, Any]]:
    """Pools fields by their columns' combiners.

    Most scalar columns have one id an example, but a SparseTensor does not say so. Where the batch
    at hand turns out to be such, the looked-up rows are the pooled vectors already, and the sums
    are left out.

    Args:
        parts: The fields to pool.

    Returns:
        For each, vectors `(batch, dim)`, mask `(batch,)`, and linear terms `(batch, 1)` or None.
    """
    scalars = [part for part in parts if not part.field.sequence and part.members.values is None]
    others = [part for part in parts if part not in scalars]
    pooled = dict(zip((part.field.name for part in others), _pooled(others), strict=True))
    if scalars:
        members = [part.members for part in scalars]
        flat = tf.cond(
            tf.reduce_all(tf.stack([_one_each(one) for one in members])),
            lambda: [tf.identity(one) for part in scalars for one in _looked_up(part)],
            lambda: [one for part in _pooled(scalars) for one in part if one is not None],
        )
        width = len(flat) // len(scalars)
        for index, part in enumerate(scalars):
            vectors, mask, *linear = flat[index * width : (index + 1) * width]
            pooled[part.field.name] = (
                tf.ensure_shape(vectors, [None, part.rows.shape[1]]),
                tf.ensure_shape(mask, [None]),
                tf.ensure_shape(linear[0], [None, 1]) if linear else None,
            )
    return [pooled[part.field.name] for part in parts]


def _one_each(members: Any) -> Any:
    """Whether each example has exactly one member: as many as rows, and none beside another."""
    count = tf.shape(members.ids, tf.int64)[0]
    return tf.logical_and(count == members.num_rows, members.length == 1)


def _looked_up(part: FieldMembers) -> list[Any]:
    mask = tf.ones(tf.shape(part.members.ids), tf.bool)
    return [part.rows, mask] if part.weights is None else [part.rows, mask, part.weights]


def _pooled(parts: Sequence[FieldMembers]) -> list[tuple[Any, Any, Any]]:
    results = []
    for part in parts:
        counts = member_counts(part.members)
        combiner = part.field.combiner
        vectors = combine(part.rows, part.members, combiner, counts)
        linear = None
        if part.weights is not None:
            linear = combine(part.weights, part.members, combiner, counts)
        results.append((vectors, counts > 0, linear))
    return results
