"""Record batches of Parquet as arrays."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.readers.arrow import flat_column, is_list, pa, pq
from pipelines.readers.bad_rows import BadRows, missing_column
from pipelines.readers.blocks import Columns, RowParser
from pipelines.readers.values import Wanted

_RECORDS = 4096  # decoded at once


class ParquetFormat:
    """Parquet files with the columns of the first; other files may have more.

    Args:
        first: The first file.

    Attributes:
        names: Its columns.
    """

    unit = "record"

    def __init__(self, first: Path) -> None:
        with self.open(first) as file:
            self.names: tuple[str, ...] = tuple(file.schema_arrow.names)

    def records(self, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yields each row."""
        number = 0
        with self.open(path) as file:
            for batch in file.iter_batches(_RECORDS, columns=list(self.names)):
                yield from enumerate(batch.to_pylist(), start=number)
                number += batch.num_rows

    def row(self, record: dict[str, Any]) -> dict[str, Any]:
        """Returns the row as it is."""
        return record

    def check_types(self, path: Path, dtypes: Mapping[str, str]) -> None:
        """Looks at the types of a file's columns: one of another type has no row that fits.

        Args:
            path: The file.
            dtypes: Column -> `"int64"`, `"float32"` or `"string"`.

        Raises:
            ValueError: If a column is of another type.
        """
        with self.open(path) as file:
            for name, dtype in dtypes.items():
                kind = file.schema_arrow.field(name).type
                if not _fits(_inner(kind), dtype):
                    raise ValueError(
                        f"`{name}` must be {dtype} or lists of {dtype}. "
                        f"Received: {kind} in {path}. Change the column's dtype, or the file."
                    )

    @contextlib.contextmanager
    def open(self, path: Path) -> Iterator[Any]:
        """Opens a file and checks that it holds rows and the columns.

        Raises:
            ValueError: If it is empty, cut off, damaged, no Parquet, or lacks a column.
        """
        if not path.stat().st_size:
            raise ValueError(f"`{path}` must hold rows. Received: an empty file. Make it again.")
        try:
            # Mapped, so that the operating system and not this process holds the file.
            with pq.ParquetFile(path, memory_map=True) as file:
                if not file.metadata.num_rows:
                    raise ValueError(f"`{path}` must hold rows. Received: none. Make it again.")
                for name in getattr(self, "names", ()):
                    if name not in file.schema_arrow.names:
                        raise missing_column(name, path, file.schema_arrow.names)
                yield file
        except (pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None) is not None:
                raise
            raise ValueError(
                f"`{path}` must be whole Parquet. Received: {error}. Make it again."
            ) from error


_BLOCK = 4096  # rows that are decoded at once


class ParquetBlocks:
    """Reads blocks of rows as `Columns`, without a step of Python for each row.

    Args:
        form: Opens the files.
        wanted: What is read of each row.
        bad_rows: What becomes of a row that does not fit.
    """

    def __init__(self, form: ParquetFormat, wanted: Sequence[Wanted], bad_rows: BadRows) -> None:
        self._form = form
        self._wanted = wanted
        self._names = sorted({one.name for one in wanted})
        self._parser = RowParser(wanted, bad_rows, form.unit, from_text=False)

    def check(self, path: Path) -> None:
        """Looks at the columns of a file.

        Raises:
            ValueError: If it cannot be read, or a column is of another type.
        """
        for one in self._wanted:
            self._form.check_types(path, {one.name: one.dtype})

    def read(self, path: Path, every: int, first: int) -> Iterator[Columns]:
        """Yields every `every`-th row, from row `first` on, in blocks."""
        number = 0
        with self._form.open(path) as file:
            for batch in file.iter_batches(_BLOCK, columns=self._names):
                columns = self._columns(path, number, batch) if every == 1 else None
                if columns is None:
                    rows = pa.array(range((first - number) % every, batch.num_rows, every))
                    columns = self._columns(path, number, batch.take(rows), rows.to_pylist())
                number += batch.num_rows
                if columns.count:
                    yield columns

    join = staticmethod(Columns.join)

    @staticmethod
    def take(block: Columns, rows: Any) -> Columns:
        """Returns some of a block's rows."""
        return block.take(rows)

    @staticmethod
    def columns(block: Columns) -> Columns:
        """Returns the block, which is parsed already."""
        return block

    def _columns(
        self, path: Path, number: int, batch: Any, rows: Sequence[int] | None = None
    ) -> Columns:
        flat = {}
        try:
            for one in self._wanted:
                flat[one.key] = flat_column(batch.column(one.name), one.dtype)
            return self._parser.columns(flat)
        except ValueError:  # also what Arrow raises for a number that does not fit
            numbers = range(batch.num_rows) if rows is None else rows
            places = [(path, number + row) for row in numbers]
            return self._parser.parse(batch.to_pylist(), places)


def _inner(kind: Any) -> Any:
    kind = kind.value_type if is_list(kind) else kind
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _fits(kind: Any, dtype: str) -> bool:
    if dtype == "string":
        fits = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    else:
        fits = pa.types.is_integer(kind) or pa.types.is_boolean(kind)
        fits = fits or (dtype == "float32" and pa.types.is_floating(kind))
    return bool(fits or pa.types.is_null(kind))
