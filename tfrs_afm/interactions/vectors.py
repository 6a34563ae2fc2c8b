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

    Raises:
        ValueError: If vectors or mask are of another shape, as far as it is known.
        TypeError: If the mask is not bool.
    """
    if isinstance(vectors, list | tuple):
        kinds = sorted({tf.as_dtype(vector.dtype).name for vector in vectors})
        if len(kinds) > 1:
            raise TypeError(
                "`vectors` must be tensors (batch, dim) of one dtype, one a member. Received: "
                f"tensors of {', '.join(kinds)}. As embedding_layer of "
                "tfrs.experimental.models.Ranking, which knows neither masks nor linear terms, "
                "pass one whose call returns tf.unstack(fields.vectors, axis=1) of a "
                "FieldEmbedding; or take tfrs_afm.models, or a model of your own."
            )
        # TFRS squeezes its embeddings, so a batch of one arrives as (dim,), of unknown rank.
        dim = vectors_dim([vector.shape for vector in vectors])
        vectors = tf.stack([tf.reshape(vector, [-1, dim]) for vector in vectors], axis=1)
    if vectors.shape.rank not in (None, 3):
        raise ValueError(
            "`vectors` must be (batch, n, dim), or a list of n tensors (batch, dim). Received: "
            f"vectors of shape {vectors.shape}. Stack them, or put them into a list."
        )
    if mask is None:
        return vectors, tf.ones(tf.shape(vectors)[:2], tf.bool)
    _check_mask(vectors, mask)
    if holds_zeros(vectors, mask):
        return vectors, mask
    # A product would let a NaN behind the mask through, in the value or in the gradient. The older
    # `where` takes whole rows by a flat condition, in a third of the time of a broadcast one.
    rows = tf.reshape(vectors, [-1, vectors_dim(vectors.shape)])
    rows = tf.compat.v1.where(tf.reshape(mask, [-1]), rows, tf.zeros_like(rows))
    zeroed = tf.ensure_shape(tf.reshape(rows, tf.shape(vectors)), vectors.shape)
    return note_zeros(zeroed, mask), mask


def note_zeros(tensor: Tensor, mask: Tensor) -> Tensor:
    """Notes on a tensor that it holds zeros wherever a mask is False.

    Putting them there again is a pass over all vectors, forward and backward, which each of an
    interaction's parts would make. What is made from the tensor does not have the note.

    Args:
        tensor: `(batch, n, ...)`.
        mask: `(batch, n)` bool, True for a real member.

    Returns:
        The tensor.
    """
    tensor._tfrs_afm_zeros = mask  # as Keras notes its masks
    return tensor


def holds_zeros(tensor: Tensor, mask: Tensor) -> bool:
    """Whether `note_zeros` was told so of this tensor and this very mask."""
    return mask is not None and getattr(tensor, "_tfrs_afm_zeros", None) is mask


def _check_mask(vectors: Tensor, mask: Tensor) -> None:
    # Rows are taken by a flat condition, so (n, batch) would pass for (batch, n).
    if mask.dtype != tf.bool:
        raise TypeError(
            f"`mask` must be bool. Received: mask of {tf.as_dtype(mask.dtype).name}. "
            "Use `mask > 0`."
        )
    if not vectors.shape[:2].is_compatible_with(mask.shape):
        raise ValueError(
            "`mask` must be (batch, n), as the vectors are. Received: mask of shape "
            f"{mask.shape} and vectors of shape {vectors.shape}. Give each member its own value."
        )


def require_as_built(vectors: Tensor, axis: int, size: int) -> None:
    """Refuses vectors of another number or length than a layer's weights were made for.

    Args:
        vectors: `(batch, n, dim)`.
        axis: 1 for n, 2 for dim.
        size: What it was when the weights were made.

    Raises:
        ValueError: If it is another.
    """
    if vectors.shape[axis] not in (None, size):
        what = "the number" if axis == 1 else "the length"
        raise ValueError(
            f"`vectors` must have {what} that the layer was made with, {size}. Received: vectors "
            f"of shape {vectors.shape}. Make another layer for them."
        )


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
