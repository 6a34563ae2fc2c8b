"""Rows to the arrays of a batch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.readers.bad_rows import BadRows
from pipelines.readers.columns import Columns
from pipelines.readers.typed_column import typed_column
from pipelines.readers.wanted import Wanted


class RowParser:
    """Checks and converts rows, all at once; only where that fails, one by one.

    Args:
        wanted: What is read of each row.
        bad_rows: What becomes of a row that does not fit.
        unit: What the rows are numbered by.
        from_text: Whether numbers stand as text.
    """

    def __init__(
        self, wanted: Sequence[Wanted], bad_rows: BadRows, unit: str, *, from_text: bool
    ) -> None:
        self._wanted = wanted
        self._bad_rows = bad_rows
        self._unit = unit
        self._from_text = from_text

    def parse(
        self, rows: Sequence[Mapping[str, Any]], places: Sequence[tuple[Path, int]]
    ) -> Columns:
        """Returns the rows that fit, in their order.

        Args:
            rows: Feature name -> value, list or None.
            places: File and number of each row.

        Raises:
            ValueError: If a row does not fit and that is an error.
        """
        try:
            return self._all(rows)
        except ValueError:
            return self._all(self._good(rows, places))

    def columns(self, flat: Mapping[str, tuple[NDArray[Any], NDArray[Any]]]) -> Columns:
        """Gives columns that have their types their shapes, too.

        Args:
            flat: Key -> values of all rows, and the number of each row's.

        Raises:
            ValueError: If a row has too many or too few values, or a number is out of range.
        """
        dense, lists, count = {}, {}, 0
        for wanted in self._wanted:
            values, lengths = flat[wanted.key]
            count = len(lengths)
            if wanted.shape is None:
                lists[wanted.key] = (values, lengths)
            else:
                dense[wanted.key] = _shaped(wanted, values, lengths)
        return Columns.of_lists(dense, lists, count)

    def _all(self, rows: Sequence[Mapping[str, Any]]) -> Columns:
        flat = {}
        for wanted in self._wanted:
            values = [row.get(wanted.name) for row in rows]
            flat[wanted.key] = typed_column(
                wanted.name, values, wanted.dtype, from_text=self._from_text
            )
        return self.columns(flat)

    def _good(
        self, rows: Sequence[Mapping[str, Any]], places: Sequence[tuple[Path, int]]
    ) -> list[Mapping[str, Any]]:
        good = []
        for row, (path, number) in zip(rows, places, strict=True):
            try:
                self._all([row])
            except ValueError as error:
                self._bad_rows.add(path, number, str(error), self._unit)
            else:
                good.append(row)
        return good


def _shaped(wanted: Wanted, values: NDArray[Any], lengths: NDArray[Any]) -> NDArray[Any]:
    size, shape = wanted.size, (len(lengths), *(wanted.shape or ()))
    if wanted.dtype != "string" and not ((values >= wanted.least) & (values <= wanted.most)).all():
        raise ValueError(
            f"`{wanted.name}` must be a number in [{wanted.least:g}, {wanted.most:g}]. "
            f"Received: {wanted.name}={values[0]}"
        )
    there = lengths == size
    if there.all():
        return values.reshape(shape)
    if wanted.default is None or not (there | (lengths == 0)).all():
        amount = "a value" if size == 1 else f"{size} values"
        raise ValueError(
            f"`{wanted.name}` must have {amount} in each row. Received: "
            f"{wanted.name}={values.tolist()}"
        )
    default = np.array(wanted.default, object if wanted.dtype == "string" else wanted.dtype)
    if wanted.dtype == "string":
        default = np.frompyfunc(lambda v: v.encode() if isinstance(v, str) else v, 1, 1)(default)
        default = np.array(default, object)
    filled = np.empty(shape, values.dtype)
    filled[:] = default.reshape(wanted.shape if default.size == size else ())
    filled[there] = values.reshape(-1, *shape[1:])
    return filled
