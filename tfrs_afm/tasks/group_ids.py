"""Which group each example is of."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf


def group_ids(features: Mapping[str, Any] | None, group: str) -> Any:
    """Reads the group of each example from a feature.

    Args:
        features: Raw features by name.
        group: Name of the feature: one integer or string an example.

    Returns:
        `(batch,)` int64; strings as fingerprints.

    Raises:
        ValueError: If there is no such feature, or it holds floats.

    Example:
        >>> group_ids({"user": tf.constant([[7], [9]])}, "user").numpy().tolist()
        [7, 9]
    """
    if features is None or group not in features:
        raise ValueError(
            f"`group` must name a feature of the batch. Received: group={group!r}. "
            f"Choose one of {sorted(features or {})}, or pass `features` to the task."
        )
    ids = features[group]
    if isinstance(ids, tf.SparseTensor):
        ids = tf.sparse.to_dense(ids)
    elif isinstance(ids, tf.RaggedTensor):
        ids = ids.to_tensor()
    ids = tf.reshape(ids, [-1])  # (batch,)
    if ids.dtype == tf.string:
        return tf.strings.to_hash_bucket_fast(ids, 2**63 - 1)
    if not ids.dtype.is_integer:
        raise ValueError(
            f"`group` must name a feature of integers or strings. Received: group={group!r} of "
            f"{ids.dtype.name}. Use an id, for example the user's."
        )
    return tf.cast(ids, tf.int64)
