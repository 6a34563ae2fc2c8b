"""Typed features into a serialized `tf.Example`, without TensorFlow."""

from collections.abc import Mapping
from typing import Any

from serving.client.errors import FeatureError
from serving.client.feature import Feature
from serving.wire.messages import message_class


def encode_example(
    features: Mapping[str, Feature], values: Mapping[str, Any], row: int, *, required: bool = True
) -> bytes:
    """Checks one row and serializes it.

    Args:
        features: What may be in the row.
        values: The row.
        row: Its number, for messages.
        required: Whether features without a default must be there.

    Returns:
        The bytes of a `tf.Example`, the same for the same values.

    Raises:
        FeatureError: If a feature is unknown, missing, or its value does not fit.
    """
    unknown = [name for name in values if name not in features]
    if unknown:
        raise FeatureError(
            f"`features` must be among {sorted(features)}. Received: {unknown} in row {row}. "
            "Leave out what the model does not read; look for typing errors."
        )
    example = message_class("tensorflow.Example")()
    example.features.SetInParent()
    for name, value in values.items():
        found = features[name].values(value, row)
        if found:
            getattr(example.features.feature[name], features[name].field).value.extend(found)
    if required:
        for name, feature in features.items():
            if feature.required and name not in example.features.feature:
                raise missing(name, row)
    return bytes(example.SerializeToString(deterministic=True))


def missing(name: str, row: int) -> FeatureError:
    """The error for a feature without a default that is not there."""
    return FeatureError(
        f"`features` must hold '{name}', which has no default. Received: none for feature "
        f"'{name}' in row {row}. Send it, or give its column a `default_value` and export again."
    )
