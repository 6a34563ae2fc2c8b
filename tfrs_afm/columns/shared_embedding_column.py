"""One member of a group of columns that look up the same table."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.columns.table import Table


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
            table["initializer"] = tf.keras.initializers.serialize(table["initializer"])
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
