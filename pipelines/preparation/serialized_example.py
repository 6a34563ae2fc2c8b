"""One row as the bytes of a tf.Example."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from pipelines.preparation.feature import Feature


def serialized_example(
    row: Mapping[str, Any], features: Mapping[str, Feature], place: str
) -> bytes:
    """Writes a row as `tf.Example`; equal rows give equal bytes.

    Args:
        row: Feature name -> value, or list of values of a variable feature. A value of None is
            left out of the example, and so is an empty list.
        features: The features to write, by name.
        place: Where the row is from, for the error.

    Returns:
        The serialized example.

    Raises:
        ValueError: If a value does not fit its feature; the feature and the place are named.

    Example:
        >>> age = Feature("age", "int64", "fixed", "years")
        >>> serialized_example({"age": 24}, {"age": age}, "row 0")[-1]
        24
    """
    example = tf.train.Example()
    for name, feature in features.items():
        value = row[name]
        if value is None or (feature.kind == "variable" and not value):
            continue
        values = value if feature.kind == "variable" else [value]
        target = example.features.feature[name]
        try:
            if feature.dtype == "int64":
                target.int64_list.value.extend(values)
            elif feature.dtype == "float32":
                target.float_list.value.extend(values)
            else:
                target.bytes_list.value.extend(text.encode() for text in values)
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"`{name}` must be {feature.dtype} in every row. "
                f"Received: {name}={value!r} in {place}."
            ) from error
    return bytes(example.SerializeToString(deterministic=True))
