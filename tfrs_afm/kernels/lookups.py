"""Lookups in all tables of a batch in the kernels: one operation forward, one backward."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm._host import may_record, variable_accessed
from tfrs_afm.kernels.library import load, mark_graphs, may_stand_here

_COMBINERS = {"sum": 0, "mean": 1, "sqrtn": 2}


def may_look_up(tables: Sequence[Any]) -> bool:
    """Whether the kernels look rows of these variables up here and now.

    They do where a gradient tape records, in one process with one CPU device and no
    `tf.distribute` strategy, of plain float32 variables; not for what is to be saved, see
    `may_stand_here`.
    """
    if not may_record() or not may_stand_here() or tf.distribute.has_strategy():
        return False
    if len(tf.config.list_logical_devices()) != 1:
        return False
    return all(
        isinstance(table, tf.Variable) and table.dtype == tf.float32 and hasattr(table, "handle")
        for table in tables
    )


def look_up(
    vectors: Sequence[Any],
    weights: Sequence[Any],
    combiners: Sequence[str],
    ids: Any,
    segments: Any | None,
    batch: Any,
) -> tuple[Any, Any, Any]:
    """Looks the ids of F fields up and pools them by example, as `combine` does.

    Args:
        vectors: For each field its table, `(rows, dim)`.
        weights: For each its linear weights, `(rows, 1)`; or none.
        combiners: For each "sum", "mean" or "sqrtn".
        ids: `(count,)` int64, field after field; those below 0 are no members.
        segments: `(count,)` int64, `field * batch + example` of each, ascending. None: each
            example has one id in each field.
        batch: `()` int64.

    Returns:
        Vectors `(batch, F, dim)`, mask `(batch, F)`, and linear terms `(batch, F)` or None.

    Raises:
        tf.errors.InvalidArgumentError: If an id is not in its table.
    """
    found, operations = load()
    mark_graphs()
    for table in (*vectors, *weights):
        variable_accessed(table)  # a tape watches what is read by operations that it knows
    pooled, linear, scale = operations.tfrs_afm_look_up(
        vectors=[table.handle for table in vectors],
        weights=[table.handle for table in weights],
        ids=ids,
        segments=tf.zeros([0], tf.int64) if segments is None else segments,
        batch=batch,
        width=vectors[0].shape[1],
        combiners=[_COMBINERS[one] for one in combiners],
        rows=[table.shape[0] for table in vectors],
        form=found.form,
    )
    return pooled, scale > 0, linear if weights else None


@tf.RegisterGradient("TfrsAfmLookUp")
def _gradient(op: Any, pooled: Any, linear: Any, _: Any) -> list[Any]:
    number, weights = op.get_attr("N"), op.get_attr("M")
    ids, segments, batch = op.inputs[-3:]
    found = load()[1].tfrs_afm_look_up_grad(
        ids,
        segments,
        batch,
        op.outputs[2],
        pooled,
        linear,
        N=number,
        M=weights,
        width=op.get_attr("width"),
        form=op.get_attr("form"),
    )
    heights, width = op.get_attr("rows"), op.get_attr("width")
    slices = [
        tf.IndexedSlices(rows, of_ids, tf.constant([height, size], tf.int64))
        for part, size in ((found.rows, width), (found.row_weights, 1))
        for height, of_ids, rows in zip(heights, found.of_ids, part, strict=False)
    ]
    return [*slices, None, None, None]


@tf.RegisterGradient("TfrsAfmLookUpGrad")
def _second_gradient(op: Any, *gradients: Any) -> list[Any]:
    """What is handed on to the members of an example, summed: the gradient of handing on."""
    number, weights = op.get_attr("N"), op.get_attr("M")
    ids, segments, batch, scale = op.inputs[:4]
    count = tf.cast(number, tf.int64) * batch
    segments = tf.cond(
        tf.size(segments) > 0, lambda: segments, lambda: tf.range(tf.size(ids, tf.int64))
    )
    real = tf.boolean_mask(segments, ids >= 0)

    def pooled(parts: Sequence[Any], width: int) -> Any:
        sums = tf.math.unsorted_segment_sum(tf.concat(parts, 0), real, count)
        turned = tf.transpose(tf.reshape(sums, [number, -1, width]), [1, 0, 2])
        return turned * scale[:, :, tf.newaxis]

    rows = pooled(gradients[number : 2 * number], op.get_attr("width"))
    linear = tf.zeros_like(op.inputs[5])
    if weights:
        linear = tf.squeeze(pooled(gradients[2 * number :], 1), 2)
    return [None, None, None, None, rows, linear]
