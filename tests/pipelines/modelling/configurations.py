"""Configurations that tests make models from."""

from typing import Any

from pipelines.configuration.column import Column
from pipelines.configuration.configuration import Configuration

DATA = {"format": "csv", "train": "a.csv", "group": "user"}


def made(*columns: dict[str, Any] | Column, **sections: Any) -> Configuration:
    return Configuration(data=DATA, columns=columns, **sections)


def identity(key: str, size: int | None = 10, **more: Any) -> dict[str, Any]:
    kind = "categorical_column_with_identity"
    return {"kind": kind, "key": key, "num_buckets": size, **more}
