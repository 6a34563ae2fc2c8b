"""Rows to the arrays of a batch."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.readers.bad_rows import LABEL_FIX, BadRows, InvalidRow, missing_column
from pipelines.readers.formats import TextFormat
from pipelines.readers.values import Wanted, typed_column

Array = NDArray[Any]


@dataclasses.dataclass(frozen=True)
class Columns:
    """Rows as arrays; picking rows copies no lists.

    Attributes:
        count: Number of rows.
        dense: Name -> `(count, ...)`: features with one value or one shape in all rows.
        lists: Name -> values of all lists one after the other `(values,)`, where the list of each
            row starts `(count,)`, and its length `(count,)`.

    Example:
        >>> lists = Columns.of_lists({}, {"tags": (np.array([7, 8, 9]), np.array([1, 0, 2]))}, 3)
        >>> lists.take(np.array([2, 0])).packed("tags")[0].tolist()
        [8, 9, 7]
    """

    count: int
    dense: dict[str, Array]
    lists: dict[str, tuple[Array, Array, Array]]

    @classmethod
    def of_lists(
        cls, dense: dict[str, Array], lists: dict[str, tuple[Array, Array]], count: int
    ) -> "Columns":
        """Makes columns of lists given by their values and their lengths."""
        placed = {
            name: (values, np.cumsum(lengths) - lengths, lengths)
            for name, (values, lengths) in lists.items()
        }
        return cls(count, dense, placed)

    @classmethod
    def join(cls, parts: "Sequence[Columns]") -> "Columns":
        """Puts rows of the same features one after the other."""
        if len(parts) == 1:
            return parts[0]
        dense = {
            name: np.concatenate([part.dense[name] for part in parts]) for name in parts[0].dense
        }
        lists = {}
        for name in parts[0].lists:
            packed = [part.packed(name) for part in parts]
            values, lengths = zip(*packed, strict=True)
            lists[name] = (np.concatenate(values), np.concatenate(lengths))
        return cls.of_lists(dense, lists, sum(part.count for part in parts))

    def __len__(self) -> int:
        return self.count

    def take(self, rows: Array | slice) -> "Columns":
        """Returns some of the rows."""
        dense = {name: values[rows] for name, values in self.dense.items()}
        lists = {
            name: (values, starts[rows], lengths[rows])
            for name, (values, starts, lengths) in self.lists.items()
        }
        return Columns(len(np.arange(self.count)[rows]), dense, lists)

    def spread(self, rows: Array, count: int) -> "Columns":
        """Puts the rows at places among `count`; the rows between hold nothing.

        Example:
            >>> columns = Columns(2, {"age": np.array([7, 8])}, {})
            >>> columns.spread(np.array([0, 2]), 3).dense["age"].tolist()
            [7, 0, 8]
        """

        def wide(values: Array) -> Array:
            made = np.zeros((count, *values.shape[1:]), values.dtype)
            made[rows] = values
            return made

        dense = {name: wide(values) for name, values in self.dense.items()}
        lists = {
            name: (values, wide(starts), wide(lengths))
            for name, (values, starts, lengths) in self.lists.items()
        }
        return Columns(count, dense, lists)

    def packed(self, name: str) -> tuple[Array, Array]:
        """Returns the values of a feature's lists in the order of the rows, and their lengths."""
        values, starts, lengths = self.lists[name]
        total = int(lengths.sum())
        # Where the list of a row starts in the result, to count on from where it starts here.
        shift = starts - (np.cumsum(lengths) - lengths)  # (count,)
        if total and (shift == shift[0]).all():  # neighbours, as they were read
            return values[shift[0] : shift[0] + total], lengths
        return values[np.repeat(shift, lengths) + np.arange(total)], lengths


class RowParser:
    """Checks and converts rows, all at once; only where that fails, one by one.

    Args:
        wanted: What is read of each row.
        bad_rows: What becomes of a row that does not fit.
        unit: What the rows are numbered by.
        decimal: The decimal mark of numbers that stand as text.
    """

    def __init__(
        self,
        wanted: Sequence[Wanted],
        bad_rows: BadRows,
        unit: str,
        *,
        decimal: str | None = None,
    ) -> None:
        self._wanted = wanted
        self._bad_rows = bad_rows
        self._unit = unit
        self._decimal = decimal

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
            return self.convert(rows)
        except ValueError:
            return self.convert(self._good(rows, places))

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
            if wanted.words:
                values = wanted.numbers(values)
            if wanted.shape is None:
                lists[wanted.key] = (values, lengths)
            else:
                dense[wanted.key] = _shaped(wanted, values, lengths)
        if Wanted.WEIGHT in dense:
            self._check_labels(dense[Wanted.LABEL], dense[Wanted.WEIGHT])
        return Columns.of_lists(dense, lists, count)

    def _check_labels(self, labels: NDArray[Any], weights: NDArray[Any]) -> None:
        """Looks at the labels of the rows that weigh something."""
        (wanted,) = (one for one in self._wanted if one.key == Wanted.LABEL)
        counted = labels[weights != 0]
        bad = counted[~((counted >= wanted.least) & (counted <= wanted.most))]
        if len(bad):
            raise out_of_range(wanted, bad[0])

    def convert(self, rows: Sequence[Mapping[str, Any]]) -> Columns:
        """Returns the rows as columns.

        Raises:
            ValueError: If a row does not fit.
        """
        flat = {}
        for wanted in self._wanted:
            values = [row.get(wanted.name) for row in rows]
            flat[wanted.key] = typed_column(
                wanted.name, values, wanted.read_dtype, decimal=self._decimal
            )
        return self.columns(flat)

    def _good(
        self, rows: Sequence[Mapping[str, Any]], places: Sequence[tuple[Path, int]]
    ) -> list[Mapping[str, Any]]:
        good = []
        for row, (path, number) in zip(rows, places, strict=True):
            try:
                self.convert([row])
            except ValueError as error:
                self._bad_rows.add(path, number, error, self._unit)
            else:
                good.append(row)
        return good


def out_of_range(wanted: Wanted, value: Any) -> ValueError:
    """Returns the error for a number that is too small or too large."""
    problem = (
        f"`{wanted.name}` must be a number in [{wanted.least:g}, {wanted.most:g}]. "
        f"Received: {wanted.name}={value}"
    )
    is_class = wanted.key == Wanted.LABEL and (wanted.least, wanted.most) == (0.0, 1.0)
    return InvalidRow(problem, LABEL_FIX) if is_class else ValueError(problem)


def _shaped(wanted: Wanted, values: NDArray[Any], lengths: NDArray[Any]) -> NDArray[Any]:
    size, shape = wanted.size, (len(lengths), *(wanted.shape or ()))
    ranged = wanted.dtype != "string" and not (
        wanted.key == Wanted.LABEL and wanted.default is not None
    )
    if ranged and not ((values >= wanted.least) & (values <= wanted.most)).all():
        raise out_of_range(wanted, values[0])
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


BLOCK = 256  # rows that travel together from a file to the shuffle


class TextBlocks:
    """Reads blocks of `(file, number, record)` and parses them a batch at a time.

    Args:
        form: Cuts files into records and makes rows of them.
        wanted: What is read of each row.
        bad_rows: What becomes of a row that does not fit.
    """

    def __init__(self, form: TextFormat, wanted: Sequence[Wanted], bad_rows: BadRows) -> None:
        self._form = form
        self._wanted = wanted
        self._bad_rows = bad_rows
        self._parser = RowParser(wanted, bad_rows, form.unit)

    def check(self, path: Path) -> None:
        """Reads the first record of a file.

        Raises:
            ValueError: If there is none, or it lacks what each row must have.
        """
        _, record = next(self._form.records(path))
        if isinstance(record, ValueError):
            return  # a bad row, not a bad file
        try:
            row = self._form.row(record)
        except ValueError:
            return
        for one in self._wanted:
            if one.shape is not None and one.default is None and one.name not in row:
                raise missing_column(one.name, path, row)

    def read(self, path: Path, every: int, first: int) -> Iterator[list[Any]]:
        """Yields every `every`-th record, from record `first` on, in blocks."""
        records = itertools.islice(self._form.records(path), first, None, every)
        while block := [(path, number, it) for number, it in itertools.islice(records, BLOCK)]:
            yield block

    @staticmethod
    def join(blocks: Sequence[list[Any]]) -> list[Any]:
        """Puts blocks one after the other."""
        return list(itertools.chain.from_iterable(blocks))

    @staticmethod
    def take(block: list[Any], rows: Any) -> list[Any]:
        """Returns some of a block's records."""
        return block[rows] if isinstance(rows, slice) else [block[row] for row in rows]

    def columns(self, block: list[Any]) -> Columns:
        """Parses records.

        Raises:
            ValueError: If a row is bad and that is an error.
        """
        arrays = self._form.arrays([record for _, _, record in block], self._wanted)
        if arrays is not None:
            with contextlib.suppress(ValueError):  # a bad row, which is found below
                return self._parser.columns(arrays)
        rows, places = [], []
        for path, number, record in block:
            try:
                if isinstance(record, ValueError):
                    raise record
                rows.append(self._form.row(record))
            except ValueError as error:
                self._bad_rows.add(path, number, error, self._form.unit)
            else:
                places.append((path, number))
        return self._parser.parse(rows, places)
