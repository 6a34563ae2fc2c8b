"""What a model reads where that is not what its columns read, as behind preprocessing layers."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from tfrs_afm.types import Model

_WIRE = {  # the types of `tf.Example` that hold those of a model
    tf.string: tf.string,
    **dict.fromkeys((tf.int64, tf.int32, tf.int16, tf.int8, tf.uint8, tf.bool), tf.int64),
    **dict.fromkeys((tf.float32, tf.float64, tf.float16, tf.bfloat16), tf.float32),
}


class ModelInputs:
    """How features are parsed, and the form in which a model takes them.

    Args:
        features: By name, how each is parsed (`tf.io.FixedLenFeature`, `VarLenFeature` or
            `RaggedFeature` without partitions), or the tensor of a batch that the model takes
            (`tf.TensorSpec`, `tf.SparseTensorSpec` or `tf.RaggedTensorSpec`, batch first).

    Attributes:
        parse_spec: By name, a `tf.io.FixedLenFeature` or `tf.io.VarLenFeature`.

    Raises:
        ValueError: If there are none, or one of another kind, shape or type.
    """

    def __init__(self, features: Mapping[str, Any]) -> None:
        if not isinstance(features, Mapping) or not features:
            raise ValueError(
                "`features` must hold the features that the model reads, by name. Received: "
                f"features={features!r}. Give each a tf.TensorSpec, or say how it is parsed."
            )
        self.parse_spec: dict[str, Any] = {}
        self._forms: dict[str, tuple[Any, bool]] = {}
        for name, one in features.items():
            self.parse_spec[name] = self._parsed(name, one)
            ragged = isinstance(one, tf.RaggedTensorSpec | tf.io.RaggedFeature)
            self._forms[name] = one.dtype, ragged

    def _parsed(self, name: str, one: Any) -> Any:
        kinds = (tf.TensorSpec, tf.SparseTensorSpec, tf.RaggedTensorSpec)
        parsed = (tf.io.FixedLenFeature, tf.io.VarLenFeature, tf.io.RaggedFeature)
        if not isinstance(name, str) or not isinstance(one, (*kinds, *parsed)):
            raise _error(name, one, "Give a tf.TensorSpec of the batch, or a tf.io.FixedLenFeature")
        dtype = _WIRE.get(one.dtype)
        if dtype is None:
            raise _error(name, one, "Requests hold whole numbers, floats and strings")
        if isinstance(one, tf.io.FixedLenFeature):
            return one if one.dtype == dtype else one._replace(dtype=dtype)
        if isinstance(one, tf.TensorSpec):
            if one.shape.rank is None or not one.shape[1:].is_fully_defined() or not one.shape.rank:
                raise _error(
                    name, one, "For lists, whose length differs, give a tf.RaggedTensorSpec"
                )
            return tf.io.FixedLenFeature(one.shape[1:].as_list(), dtype)
        flat = isinstance(one, parsed) or one.shape.rank == 2
        if not flat or (isinstance(one, tf.io.RaggedFeature) and one.partitions):
            raise _error(name, one, "A request holds one list for a feature, no lists of lists")
        return tf.io.VarLenFeature(dtype)

    def taken(self, features: Mapping[str, Any]) -> dict[str, Any]:
        """Parsed features in the form in which the model takes them.

        Args:
            features: What parsing by `parse_spec` gives.
        """
        found = {}
        for name, value in features.items():
            dtype, ragged = self._forms[name]
            if ragged and isinstance(value, tf.SparseTensor):
                value = tf.RaggedTensor.from_sparse(value)
            found[name] = value if value.dtype == dtype else tf.cast(value, dtype)
        return found


def recorded_inputs(model: Model, known: Mapping[str, Any]) -> ModelInputs | None:
    """What a model was called on, where that is more than its columns read.

    Of the features of its first call those count that its answer depends on: the dict that `fit`
    passes often holds others, the label too.

    Args:
        model: Any Keras model.
        known: How the columns' features are parsed; a default of theirs holds here, too.

    Returns:
        None where the model was never called on a dict of features, or on what its columns read.
    """
    saved = model.save_spec() if hasattr(model, "save_spec") else None
    given = saved[0][0] if saved and saved[0] else None
    if not isinstance(given, Mapping) or not _differ(given, known):
        return None
    read = _read_by(model, given)
    if not _differ(read, known):
        return None
    inputs = ModelInputs(read)
    for name, one in inputs.parse_spec.items():
        column = known.get(name)
        if isinstance(one, tf.io.FixedLenFeature) and isinstance(column, tf.io.FixedLenFeature):
            same = tf.TensorShape(one.shape).num_elements() == len(column.default_value or ())
            if same and one.dtype == column.dtype:
                inputs.parse_spec[name] = one._replace(default_value=column.default_value)
    return inputs


def _differ(given: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Whether words are given where columns read numbers, or columns read none of that name."""
    return any(
        name not in known or (one.dtype == tf.string and known[name].dtype != tf.string)
        for name, one in given.items()
    )


def _read_by(model: Model, given: Mapping[str, Any]) -> dict[str, Any]:
    """The features that the model's answer depends on."""
    traced = tf.function(lambda features: model(features)).get_concrete_function(dict(given))
    tensors = tf.nest.flatten(traced.structured_outputs, expand_composites=True)
    waiting = [one.op for one in tensors if tf.is_tensor(one)]
    seen = set(waiting)
    while waiting:
        op = waiting.pop()
        before = [*(one.op for one in op.inputs), *op.control_inputs]
        waiting += [one for one in dict.fromkeys(before) if one not in seen]
        seen.update(before)
    (features,), _ = traced.structured_input_signature
    placeholders = iter(traced.inputs)
    found = {}
    for name, spec in sorted(features.items()):  # flattened in this order
        parts = [next(placeholders) for _ in tf.nest.flatten(spec, expand_composites=True)]
        if any(part.op in seen for part in parts):
            found[name] = given[name]
    return found


def _error(name: Any, one: Any, fix: str) -> ValueError:
    return ValueError(
        "`features` must hold tf.TensorSpec, tf.SparseTensorSpec, tf.RaggedTensorSpec or how a "
        f"feature is parsed. Received: {one!r} for feature {name!r}. {fix}."
    )
