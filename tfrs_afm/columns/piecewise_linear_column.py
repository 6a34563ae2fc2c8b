"""A number as a place between two of several bounds."""

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.types import Column


class _Parts(NamedTuple):
    # In this order: columns compare as tuples, and a bucketized column begins with its source.
    boundaries: tuple[float, ...]
    source_column: Any


class _IdsAndWeights(NamedTuple):
    id_tensor: Any
    weight_tensor: Any


class PiecewiseLinearColumn(_Parts, tf.__internal__.feature_column.FeatureColumn):
    """Two neighbouring bounds and their shares; made by `piecewise_linear_column`."""

    @property
    def _is_v2_column(self) -> bool:
        return True

    @property
    def name(self) -> str:
        """Name of the column."""
        return f"{self.source_column.name}_piecewise_linear"

    @property
    def weight_feature_key(self) -> str:
        """The feature that the weights of the ids come from."""
        return self.source_column.key

    @property
    def num_buckets(self) -> int:
        """Number of bounds, each of which is an id."""
        return len(self.boundaries)

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """The spec of the source column."""
        return self.source_column.parse_example_spec

    @property
    def parents(self) -> list[Any]:
        """The source column."""
        return [self.source_column]

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the ids and their weights as SparseTensors `(batch, 2)`; NaN has none."""
        numbers = transformation_cache.get(self.source_column, state_manager)
        numbers = tf.reshape(tf.cast(numbers, tf.float32), [-1])
        bounds = tf.constant(self.boundaries, tf.float32)
        upper = tf.searchsorted(bounds, numbers, side="right")
        left = tf.clip_by_value(upper - 1, 0, len(self.boundaries) - 2)
        low, high = tf.gather(bounds, left), tf.gather(bounds, left + 1)
        share = tf.clip_by_value((numbers - low) / (high - low), 0.0, 1.0)
        ids = tf.stack([left, left + 1], axis=1)  # (batch, 2)
        weights = tf.stack([1.0 - share, share], axis=1)
        indices = tf.where(weights > 0)  # NaN is not above 0
        shape = tf.shape(ids, tf.int64)
        return _IdsAndWeights(
            tf.SparseTensor(indices, tf.cast(tf.gather_nd(ids, indices), tf.int64), shape),
            tf.SparseTensor(indices, tf.gather_nd(weights, indices), shape),
        )

    def get_sparse_tensors(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns ids and weights."""
        return transformation_cache.get(self, state_manager)

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration from which `from_config` makes an equal column."""
        serialize = tf.__internal__.feature_column.serialize_feature_column
        return {
            "source_column": serialize(self.source_column),
            "boundaries": list(self.boundaries),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None, columns_by_name: Any = None
    ) -> "PiecewiseLinearColumn":
        """Makes the column that `get_config` described."""
        deserialize = tf.__internal__.feature_column.deserialize_feature_column
        source = deserialize(config["source_column"], custom_objects, columns_by_name)
        return cls(tuple(config["boundaries"]), source)


def piecewise_linear_column(
    source_column: Column, boundaries: Sequence[float]
) -> PiecewiseLinearColumn:
    """Gives each bound a vector, and a number the mix of the two around it.

    For b_k <= x <= b_k+1, with t = (x - b_k) / (b_k+1 - b_k), the field is
        (1 - t) v_k + t v_k+1
    and its linear term alike: a function that bends at the bounds. A bucketized column jumps there
    and is flat between; a numeric column can only move its vector along one line. Numbers outside
    of the bounds count as the nearest one, NaN as no member.
    Reference: Gorishniy et al. 2022, https://arxiv.org/abs/2203.05556, "Piecewise linear encoding".

    Args:
        source_column: A `tf.feature_column.numeric_column` of shape `(1,)`.
        boundaries: Two or more ascending bounds, for example quantiles, the smallest and the
            largest number among them.

    Returns:
        A categorical column for `tf.feature_column.embedding_column`, with combiner "mean" or
        "sum", which are the same here.

    Raises:
        TypeError: If the source is not a numeric column.
        ValueError: If its shape is not `(1,)`, or the bounds are fewer than two or do not ascend.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> age = tfrs_afm.piecewise_linear_column(fc.numeric_column("age"), [20.0, 40.0, 80.0])
        >>> embed = tfrs_afm.FieldEmbedding([fc.embedding_column(age, 4)])
        >>> embed({"age": tf.constant([[30.0], [99.0]])}).vectors.shape
        TensorShape([2, 1, 4])
    """
    if type(source_column).__name__ != "NumericColumn":
        raise TypeError(
            "`source_column` must be a numeric column. Received: "
            f"source_column={type(source_column).__name__}. Use `tf.feature_column.numeric_column`."
        )
    if tuple(source_column.shape) != (1,):
        raise ValueError(
            "`source_column` must have shape (1,). Received: "
            f"shape={tuple(source_column.shape)} for field '{source_column.name}'. "
            "Make a column for each number."
        )
    bounds = tuple(float(bound) for bound in boundaries)
    if len(bounds) < 2 or any(left >= right for left, right in itertools.pairwise(bounds)):
        raise ValueError(
            "`boundaries` must be two or more and ascend. Received: "
            f"boundaries={list(boundaries)} for field '{source_column.name}'. Sort them, and drop "
            "what is double."
        )
    return PiecewiseLinearColumn(bounds, source_column)
