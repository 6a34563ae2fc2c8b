"""The lookup tables that feature columns make."""

from typing import Any

import tensorflow as tf

from tfrs_afm.types import Column


class ColumnResources(tf.__internal__.feature_column.StateManager):
    """Holds the lookup tables that feature columns make, so that they are saved with the model.

    TensorFlow's own manager tracks one table per column *name*; two columns over one feature with
    different vocabularies would then lose the second from the SavedModel. This one tracks all.

    Args:
        tracked: A list that the owner tracks; every table is appended to it.
    """

    def __init__(self, tracked: list[Any]) -> None:
        self._by_column: dict[Any, dict[str, Any]] = {}
        self._tracked = tracked

    def add_resource(self, feature_column: Column, resource_name: str, resource: Any) -> None:
        """Keeps a resource that a column made."""
        self._by_column.setdefault(feature_column, {})[resource_name] = resource
        self._tracked.append(resource)

    def has_resource(self, feature_column: Column, resource_name: str) -> bool:
        """Whether the column made a resource of this name already."""
        return resource_name in self._by_column.get(feature_column, {})

    def get_resource(self, feature_column: Column, resource_name: str) -> Any:
        """Returns the resource of this name."""
        return self._by_column[feature_column][resource_name]
