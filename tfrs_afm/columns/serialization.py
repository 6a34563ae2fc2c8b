"""Feature columns to configurations and back."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.field import columns_below
from tfrs_afm.columns.normalizer import Normalizer
from tfrs_afm.columns.piecewise_linear_column import PiecewiseLinearColumn
from tfrs_afm.columns.sequence_columns import (
    SequenceBucketizedColumn,
    SequenceCrossedColumn,
    SequenceWeightedCategoricalColumn,
)
from tfrs_afm.columns.shared_embeddings import SharedEmbeddingColumn
from tfrs_afm.types import Column

_OWN = {
    made.__name__: made
    for made in (
        Normalizer,
        PiecewiseLinearColumn,
        SequenceBucketizedColumn,
        SequenceCrossedColumn,
        SequenceWeightedCategoricalColumn,
        SharedEmbeddingColumn,
    )
}


def deserialize_columns(
    configs: Sequence[Any], custom_objects: Mapping[str, Any] | None = None
) -> list[Any]:
    """Makes the columns that `serialize_columns` described.

    Args:
        configs: Configurations, or columns, which are passed through.
        custom_objects: Functions of columns by name, beside those that are registered with Keras
            or in its `custom_object_scope`.

    Returns:
        Feature columns, in order.

    Raises:
        ValueError: If a function of a column is not known.
    """
    deserialize = tf.__internal__.feature_column.deserialize_feature_column
    return [
        deserialize(config, {**_functions_of(config, custom_objects or {}), **_OWN}, _Apart())
        if isinstance(config, dict)
        else config
        for config in configs
    ]


def serialize_columns(columns: Sequence[Any]) -> list[dict[str, Any]]:
    """Returns JSON-ready configurations of feature columns.

    Args:
        columns: Feature columns of TensorFlow or of this package.

    Returns:
        One configuration per column, for `deserialize_columns`.

    Raises:
        NotImplementedError: If a function of a column, such as a lambda, has no name that it could
            be found by again. It is Keras' word for that: a SavedModel is written all the same.
    """
    serialize = tf.__internal__.feature_column.serialize_feature_column
    for column in columns:
        for one in columns_below(column):
            for argument in _READY:
                _require_name(one, argument)
    return [serialize(column) for column in columns]


_READY = {
    "normalizer_fn": "tfrs_afm.Normalizer for a shift and a scale",
    "initializer": "one of tf.keras.initializers",
}


class _Apart(dict[str, Any]):
    """Keeps TensorFlow from taking two columns over one feature, with other settings, for one."""

    def setdefault(self, key: str, default: Any = None) -> Any:
        return default


def _require_name(column: Column, argument: str) -> None:
    function = getattr(column, argument, getattr(getattr(column, "table", None), argument, None))
    layer = isinstance(function, tf.keras.layers.Layer)
    if function is None or (hasattr(function, "get_config") and not layer):
        return
    name = "" if layer else getattr(function, "__name__", "")
    if not name.isidentifier() or len(_registered(name)) > 1:
        raise NotImplementedError(
            f"`{argument}` must be a function with a name of its own to be written as a "
            f"configuration. Received: {argument}={function!r} for column '{column.name}'. "
            f"Use {_READY[argument]}, or a function made with `def` under "
            "@tf.keras.utils.register_keras_serializable; or save the weights, or a SavedModel."
        )


def _functions_of(config: Any, custom_objects: Mapping[str, Any]) -> dict[str, Any]:
    """The functions and initializers that columns name, by the names they have there."""
    found: dict[str, Any] = {}
    if isinstance(config, list | tuple):
        for part in config:
            found |= _functions_of(part, custom_objects)
    elif isinstance(config, dict):
        for argument in _READY:
            value = config.get(argument)
            name = value["class_name"] if isinstance(value, dict) else value
            if isinstance(name, str) and name not in _OWN:
                found[name] = _function(name, argument, config, custom_objects)
        for part in config.values():
            found |= _functions_of(part, custom_objects)
    return {name: value for name, value in found.items() if value is not None}


def _function(
    name: str, argument: str, config: Mapping[str, Any], custom_objects: Mapping[str, Any]
) -> Any:
    known = custom_objects.get(name) or tf.keras.utils.get_registered_object(name)
    known = known or next(iter(_registered(name)), None)
    if known is None and argument == "initializer":
        of_tensorflow = "dtype" in dict(config[argument]).get("config", {})
        return None if of_tensorflow else getattr(tf.keras.initializers, name, None)
    if known is None:
        raise ValueError(
            f"`custom_objects` must have the functions of columns. Received: {argument}='{name}' "
            f"of feature '{config.get('key')}', which is neither there nor registered. Register it "
            "with @tf.keras.utils.register_keras_serializable, or load with "
            f"custom_objects={{'{name}': ...}}."
        )
    return known


def _registered(name: str) -> list[Any]:
    """What is registered with Keras under this name, in any package."""
    objects = tf.keras.utils.get_custom_objects()
    return [one for key, one in objects.items() if key.rpartition(">")[2] == name]
