"""Rows, columns and data frames, all as rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from serving.client.errors import FeatureError, FeatureTypeError


def rows_of(data: Any) -> list[Mapping[str, Any]]:
    """Turns any of the forms that a client takes into rows.

    Args:
        data: A list of rows, each a dict of features; or columns, a dict from feature to a list
            or an array with one entry per row; or a pandas data frame.

    Returns:
        One dict of features per row.

    Raises:
        FeatureTypeError: If it is none of these.
        FeatureError: If columns differ in length.

    Example:
        >>> rows_of({"user_id": [3, 4], "history": [[1, 2], []]})
        [{'user_id': 3, 'history': [1, 2]}, {'user_id': 4, 'history': []}]
    """
    if hasattr(data, "columns") and hasattr(data, "iloc"):  # pandas, which need not be there
        data = {str(name): data[name].tolist() for name in data.columns}
    if isinstance(data, Mapping):
        return _of_columns(data)
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        for row, one in enumerate(data):
            if not isinstance(one, Mapping):
                raise _kind_error(f"row {row} of type {type(one).__name__}")
        return list(data)
    raise _kind_error(type(data).__name__)


def _of_columns(columns: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    lengths = {}
    for name, column in columns.items():
        listed = isinstance(column, list | tuple)
        if not listed and not (isinstance(column, np.ndarray) and column.ndim):
            raise FeatureTypeError(
                "`features` must hold a list or an array for each column. Received: "
                f"{type(column).__name__} for feature '{name}'. For one row write "
                "[{'feature': value}]."
            )
        lengths[name] = len(column)
    if len(set(lengths.values())) > 1:
        raise FeatureError(
            f"`features` must hold columns of one length. Received: lengths {lengths}. "
            "Give every column one entry per row."
        )
    count = next(iter(lengths.values()), 0)
    return [{name: column[row] for name, column in columns.items()} for row in range(count)]


def _kind_error(received: str) -> FeatureTypeError:
    return FeatureTypeError(
        "`features` must be a list of dicts, a dict of columns or a data frame. Received: "
        f"features={received}. For one row write [{{'feature': value}}]."
    )
