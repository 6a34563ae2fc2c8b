"""What annotations mean: TensorFlow and Keras are untyped, so each of these is `Any` to a checker.

They tell a reader what a checker cannot: a `Tensor` has the shape that the docstring gives.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

import tensorflow as tf

Tensor: TypeAlias = Any
"""A dense tensor, or what TensorFlow converts to one: an array, a variable, numbers."""

Variable: TypeAlias = Any
"""A `tf.Variable`, also one that a strategy mirrors or shards."""

Shape: TypeAlias = Any
"""A `tf.TensorShape` or a tuple of ints and None."""

DType: TypeAlias = Any
"""A `tf.DType`, or its name."""

Column: TypeAlias = Any
"""A feature column of `tf.feature_column` or of `tfrs_afm`."""

Feature: TypeAlias = Any
"""A raw feature of a batch: Tensor, SparseTensor or RaggedTensor."""

Initializer: TypeAlias = Any
"""A Keras initializer, or its name."""

Layer: TypeAlias = Any
"""A `tf.keras.layers.Layer`."""

Loss: TypeAlias = Any
"""A `tf.keras.losses.Loss`."""

Metric: TypeAlias = Any
"""A `tf.keras.metrics.Metric`."""

Task: TypeAlias = Any
"""A `tfrs.tasks.Task` of `tfrs_afm.tasks`."""

Model: TypeAlias = Any
"""A `tf.keras.Model`, mostly a `tfrs.Model`."""

Optimizer: TypeAlias = Any
"""A Keras optimizer."""

Dataset: TypeAlias = Any
"""A `tf.data.Dataset`."""

if TYPE_CHECKING:
    # Where stubs make it generic, a layer that does not say of what is of unknown types; and they
    # know the arguments `inputs`, `mask` and `training` of a call only.
    class KerasLayer(tf.keras.layers.Layer[Any, Any]):
        """The base class of layers."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            """Computes; see `call`."""
else:
    KerasLayer = tf.keras.layers.Layer
"""The base class of layers."""
