"""Record batches of Parquet as arrays."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.readers.arrow import flat_column, is_list, pa, pq
from pipelines.readers.bad_rows import BadRows, missing_column
from pipelines.readers.blocks import Columns, RowParser
from pipelines.readers.parquet_cells import require_small_cells
from pipelines.readers.values import PathText, Wanted, typed_column

_ROWS = 4096  # decoded at once


class ParquetFormat:
    """Parquet files with the columns of the first; other files may have more.

    A field of a struct is a column by its path, `user.id`, and so is a partition of Hive, the
    `day=2024-02-29` of a folder's name, unless the file itself has the column.

    Args:
        first: The first file.
        max_cell_size: Most bytes of a text that rows share, see `require_small_cells`.

    Attributes:
        names: Its columns.
    """

    unit = "record"

    def __init__(self, first: Path, max_cell_size: int = 1 << 20) -> None:
        self._most = max_cell_size
        with self.open(first) as file:
            names = (*_leaves(file.schema_arrow), *_partitions(first))
        self.names: tuple[str, ...] = tuple(dict.fromkeys(names))

    def records(self, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yields each row."""
        for number, batch, same in self.read(path, self.names):
            yield from enumerate(({**same, **row} for row in batch.to_pylist()), start=number)

    def read(
        self, path: Path, names: Sequence[str]
    ) -> Iterator[tuple[int, Any, dict[str, PathText | None]]]:
        """Yields the number of the first row, some rows, and what the path says of all of them.

        Args:
            path: The file.
            names: The columns to read.

        Yields:
            The columns of the rows are numbers, text (times as well) or lists of these, as far as
            they can be.
        """
        number = 0
        with self.open(path) as file:
            inside = [name for name in names if name in _leaves(file.schema_arrow)]
            same = {name: one for name, one in _partitions(path).items() if name not in inside}
            same = {name: one for name, one in same.items() if name in names}
            inside = inside or list(_leaves(file.schema_arrow))[:1]  # there are rows nevertheless
            require_small_cells(path, file.metadata, inside, self._most)
            for batch in file.iter_batches(_ROWS, columns=inside):
                yield number, _plain_columns(batch), same
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
            leaves = _leaves(file.schema_arrow)
            for name, dtype in dtypes.items():
                kind = leaves.get(name)  # of a partition its value tells
                if kind is not None and not _fits(_inner(kind), dtype):
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
                known = [*_leaves(file.schema_arrow), *_partitions(path)]
                for name in getattr(self, "names", ()):
                    if name not in known:
                        raise missing_column(name, path, known)
                yield file
        except (pa.ArrowException, OSError) as error:
            if getattr(error, "errno", None) is not None:
                raise
            raise ValueError(
                f"`{path}` must be whole Parquet. Received: {error}. Make it again."
            ) from error


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
        self._parser = RowParser(wanted, bad_rows, form.unit)

    def check(self, path: Path) -> None:
        """Looks at the columns of a file.

        Raises:
            ValueError: If it cannot be read, or a column is of another type.
        """
        for one in self._wanted:
            self._form.check_types(path, {one.name: one.read_dtype})

    def read(self, path: Path, every: int, first: int) -> Iterator[Columns]:
        """Yields every `every`-th row, from row `first` on, in blocks."""
        for number, batch, same in self._form.read(path, self._names):
            columns = self._columns(path, number, batch, same) if every == 1 else None
            if columns is None:
                rows = pa.array(range((first - number) % every, batch.num_rows, every))
                taken = batch.take(rows)
                columns = self._columns(path, number, taken, same, rows.to_pylist())
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
        self,
        path: Path,
        number: int,
        batch: Any,
        same: Mapping[str, PathText | None],
        rows: Sequence[int] | None = None,
    ) -> Columns:
        flat = {}
        try:
            for one in self._wanted:
                if one.name in same:
                    known = typed_column(one.name, [same[one.name]], one.read_dtype)
                    values, lengths = (np.repeat(part, batch.num_rows) for part in known)
                    flat[one.key] = values, lengths
                else:
                    flat[one.key] = flat_column(batch.column(one.name), one.read_dtype)
            return self._parser.columns(flat)
        except ValueError:  # also what Arrow raises for a number that does not fit
            numbers = range(batch.num_rows) if rows is None else rows
            places = [(path, number + row) for row in numbers]
            return self._parser.parse([{**same, **row} for row in batch.to_pylist()], places)


def _leaves(schema: Any) -> dict[str, Any]:
    """The columns of a file by name, those inside of structs by path, and their types."""
    found: dict[str, Any] = {}
    pending = [(field.name, field.type) for field in reversed(schema)]
    while pending:
        name, kind = pending.pop()
        if pa.types.is_struct(kind):
            fields = [kind.field(place) for place in range(kind.num_fields)]
            pending += [(f"{name}.{field.name}", field.type) for field in reversed(fields)]
        elif name in found:
            raise ValueError(
                f"`{name}` must be one column. Received: two columns of that name, or one and a "
                "field of a struct. Rename one of them."
            )
        else:
            found[name] = kind
    return found


def _partitions(path: Path) -> dict[str, PathText | None]:
    """What the folders of a path say as Hive writes it; None for what it calls a null."""
    keys = [part.partition("=")[0] for part in path.parent.parts if "=" in part]
    if not keys:
        return {}
    import pyarrow.dataset as pa_dataset

    schema = pa.schema([(key, pa.string()) for key in dict.fromkeys(keys)])
    told = pa_dataset.HivePartitioning(schema).parse(path.as_posix())
    found = pa_dataset.get_partition_keys(told)
    return {key: None if one is None else PathText(one) for key, one in found.items()}


def _plain_columns(batch: Any) -> Any:
    """Takes structs apart, and turns times and bytes into text."""
    kinds = [field.type for field in batch.schema]
    if not any(pa.types.is_struct(kind) or _plain_type(kind) is not None for kind in kinds):
        return batch
    table = pa.Table.from_batches([batch])
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    columns = [_plain(column.combine_chunks()) for column in table.columns]
    return pa.RecordBatch.from_arrays(columns, table.column_names)


def _plain(column: Any) -> Any:
    target = _plain_type(column.type)
    if target is None:
        return column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = column.cast(pa.timestamp(column.type.unit, "UTC"))
    try:
        return column.cast(target)
    except pa.ArrowInvalid:  # bytes that are not UTF-8 are found row by row
        return column


def _plain_type(kind: Any) -> Any:
    """The type that stands for one that columns are not made of; None where it may stay."""
    if is_list(kind):
        inner = None if pa.types.is_temporal(kind.value_type) else _plain_type(kind.value_type)
        return inner and pa.list_(inner)
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    types = pa.types
    if types.is_timestamp(kind) or types.is_date(kind):
        return pa.string()
    if types.is_binary(kind) or types.is_binary_view(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_large_binary(kind):
        return pa.large_string()
    return pa.float32() if types.is_float16(kind) else None


def _inner(kind: Any) -> Any:
    kind = kind.value_type if is_list(kind) else kind
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _fits(kind: Any, dtype: str) -> bool:
    types = pa.types
    number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    text = types.is_string(kind) or types.is_large_string(kind) or _plain_type(kind) is not None
    text = text and not number
    if dtype == "time":
        fits = number or text
    else:
        fits = text if dtype == "string" else number or types.is_boolean(kind)
    return bool(fits or types.is_null(kind))
