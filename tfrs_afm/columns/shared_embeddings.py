"""Embedding columns that share one table, which TensorFlow refuses in eager mode."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.columns.field import COMBINERS, Table, keras_initializer
from tfrs_afm.types import Initializer


class _Parts(NamedTuple):
    categorical_column: Any
    table: Table
    combiner: str


class SharedEmbeddingColumn(_Parts, tf.__internal__.feature_column.FeatureColumn):
    """An embedding column whose table other columns use too; made by `shared_embeddings`."""

    @property
    def _is_v2_column(self) -> bool:
        return True

    @property
    def name(self) -> str:
        """Name of the column, as TensorFlow names it."""
        return f"{self.categorical_column.name}_shared_embedding"

    @property
    def dimension(self) -> int | None:
        """Length of a row of the table."""
        return self.table.dimension

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """The `tf.io.parse_example` spec of the categorical column."""
        return self.categorical_column.parse_example_spec

    @property
    def parents(self) -> list[Any]:
        """The categorical column."""
        return [self.categorical_column]

    def transform_feature(self, transformation_cache: Any, state_manager: Any) -> Any:
        """Returns the ids of the categorical column."""
        return transformation_cache.get(self.categorical_column, state_manager)

    def get_config(self) -> dict[str, Any]:
        """Returns the configuration from which `from_config` makes an equal column."""
        table = dict(vars(self.table))
        if table["initializer"] is not None:
            initializer = keras_initializer(table["initializer"])
            table["initializer"] = tf.keras.saving.serialize_keras_object(initializer)
        serialize = tf.__internal__.feature_column.serialize_feature_column
        return {
            "categorical_column": serialize(self.categorical_column),
            "table": table,
            "combiner": self.combiner,
        }

    @classmethod
    def from_config(
        cls,
        config: dict[str, Any],
        custom_objects: dict[str, Any] | None = None,
        columns_by_name: dict[str, Any] | None = None,
    ) -> "SharedEmbeddingColumn":
        """Makes the column that `get_config` described."""
        table = dict(config["table"])
        if table["initializer"] is not None:
            table["initializer"] = tf.keras.initializers.deserialize(table["initializer"])
        categorical = tf.__internal__.feature_column.deserialize_feature_column(
            config["categorical_column"], custom_objects, columns_by_name
        )
        return cls(categorical, Table(**table), config["combiner"])


def shared_embeddings(
    categorical_columns: Sequence[Any],
    dimension: int,
    combiner: str = "mean",
    initializer: Initializer | None = None,
    shared_embedding_collection_name: str | None = None,
    max_norm: float | None = None,
    *,
    trainable: bool = True,
) -> list[SharedEmbeddingColumn]:
    """Makes one embedding column per categorical column, all over one table.

    A film that a user saw and the film to be scored are the same kind of thing: one table learns
    from both. TensorFlow's function of this name raises in eager mode; this one takes the same
    arguments and works with the layers of this package, sequence columns included.

    Args:
        categorical_columns: Two or more categorical columns, scalar or `sequence_*`, with equal
            `num_buckets`.
        dimension: Length of the vectors. Positive.
        combiner: "mean", "sqrtn" or "sum", how several ids become one vector.
        initializer: Initializer of the table. Default: truncated normal, mean 0, standard
            deviation `1 / sqrt(dimension)`.
        shared_embedding_collection_name: Name of the table. Default: the columns' names, sorted,
            joined by "_", with "_shared_embedding" behind.
        max_norm: If given, a row with a larger L2 norm is clipped to it before use.
        trainable: Whether training changes the table.

    Returns:
        The columns, in the order given.

    Raises:
        ValueError: If there are no columns, their numbers of buckets differ, `dimension` is not
            positive or `combiner` is unknown.
        TypeError: If one of them is not a categorical column.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> seen = fc.sequence_categorical_column_with_identity("seen", 1683)
        >>> film = fc.categorical_column_with_identity("film", 1683)
        >>> [column.name for column in tfrs_afm.shared_embeddings([seen, film], 16)]
        ['seen_shared_embedding', 'film_shared_embedding']
    """
    columns = list(categorical_columns)
    if not columns:
        raise ValueError(
            "`categorical_columns` must hold at least one column. Received: categorical_columns=[]."
            " Pass the categorical columns that share the table."
        )
    for column in columns:
        if not hasattr(column, "num_buckets"):
            raise TypeError(
                "`categorical_columns` must hold categorical columns. Received: "
                f"categorical_columns={column!r}. Pass the column inside the embedding."
            )
    sizes = {column.name: column.num_buckets for column in columns}
    if len(set(sizes.values())) > 1:
        raise ValueError(
            "`categorical_columns` must agree in `num_buckets` to share a table. Received: "
            f"categorical_columns={sizes}. Give all of them the same number of buckets."
        )
    if dimension < 1:
        raise ValueError(
            f"`dimension` must be positive. Received: dimension={dimension}. Use 4 or more."
        )
    if combiner not in COMBINERS:
        raise ValueError(
            f"`combiner` must be one of {', '.join(COMBINERS)}. Received: combiner={combiner!r}."
            " Choose one of them."
        )
    name = shared_embedding_collection_name or "_".join(sorted(sizes)) + "_shared_embedding"
    table = Table(
        name=name,
        rows=columns[0].num_buckets,
        dimension=dimension,
        initializer=tf.keras.initializers.get(initializer),
        max_norm=max_norm,
        trainable=trainable,
    )
    return [SharedEmbeddingColumn(column, table, combiner) for column in columns]
