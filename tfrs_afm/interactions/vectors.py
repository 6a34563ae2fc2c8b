"""The one form in which interactions take their input."""

from typing import Any

import tensorflow as tf

from tfrs_afm.types import Tensor


def masked_vectors(vectors: Tensor, mask: Tensor | None = None) -> tuple[Any, Any]:
    """Brings vectors and mask into the form that interactions compute on.

    Args:
        vectors: `(batch, n, dim)`, or a list of n tensors `(batch, dim)`, as the layers of
            `tfrs.experimental.models.Ranking` pass them.
        mask: `(batch, n)` bool, True for a real member. Default: all real.

    Returns:
        `vectors (batch, n, dim)` with zeros where masked, and `mask (batch, n)`.
    """
    if isinstance(vectors, list | tuple):
        # TFRS squeezes its embeddings, so a batch of one arrives as (dim,), of unknown rank.
        dim = vectors_dim([vector.shape for vector in vectors])
        vectors = tf.stack([tf.reshape(vector, [-1, dim]) for vector in vectors], axis=1)
    if mask is None:
        return vectors, tf.ones(tf.shape(vectors)[:2], tf.bool)
    # A product would let a NaN behind the mask through, in the value or in the gradient. The older
    # `where` takes whole rows by a flat condition, in a third of the time of a broadcast one.
    rows = tf.reshape(vectors, [-1, vectors_dim(vectors.shape)])
    rows = tf.compat.v1.where(tf.reshape(mask, [-1]), rows, tf.zeros_like(rows))
    return tf.ensure_shape(tf.reshape(rows, tf.shape(vectors)), vectors.shape), mask


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
