"""How to parse serialized examples for a list of columns."""

from collections.abc import Sequence
from typing import Any

from tfrs_afm.columns.fields_of import fields_of


def parse_spec(columns: Sequence[Any]) -> dict[str, Any]:
    """Returns the `tf.io.parse_example` spec of the raw features that the columns read.

    Training and serving parse with the same spec, so they cannot drift apart. Lists come out as
    SparseTensors of their true lengths, numbers as dense tensors.

    Args:
        columns: Feature columns, as for `FieldEmbedding`.

    Returns:
        A dict from feature name to `tf.io.VarLenFeature` or `tf.io.FixedLenFeature`.

    Raises:
        ValueError: If two columns read one feature in two different ways.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> age = tf.feature_column.numeric_column("age", default_value=30.0)
        >>> tfrs_afm.parse_spec([age])["age"].default_value
        (30.0,)
    """
    spec: dict[str, Any] = {}
    for field in fields_of(columns):
        for key, feature in field.column.parse_example_spec.items():
            if spec.setdefault(key, feature) != feature:
                raise ValueError(
                    "`columns` must read one feature in one way. Received: columns that parse "
                    f"feature '{key}' as {spec[key]} and as {feature} for field '{field.name}'. "
                    "Give the feature a second name, or both columns the same dtype."
                )
    return spec
