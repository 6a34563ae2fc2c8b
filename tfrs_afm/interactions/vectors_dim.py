"""The length of the vectors of an interaction."""

from typing import Any

import tensorflow as tf


def vectors_dim(shapes: Any) -> int:
    """Returns the static length of the vectors.

    Args:
        shapes: The shape `(batch, n, dim)`, or a list of shapes `(batch, dim)`, of which some may
            be unknown.

    Returns:
        dim.

    Raises:
        ValueError: If no shape says it.
    """
    if not isinstance(shapes, list | tuple):
        shapes = [shapes]
    for shape in map(tf.TensorShape, shapes):
        if shape.rank and shape[-1] is not None:
            return int(shape[-1])
    raise ValueError(
        f"`vectors` must have a static last dimension. Received: vectors of shape {shapes}. "
        "Set it with `tf.ensure_shape`."
    )
