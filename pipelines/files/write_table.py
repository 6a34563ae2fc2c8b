"""Writes a table in the format that its file's name tells."""

import csv
import gzip
import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from pipelines.files.atomic import atomic_file

Row = Mapping[str, Any]
_ROWS = 65_536  # rows of Parquet that are encoded at once


def write_table(path: Path, rows: Iterable[Row], separator: str = "|") -> int:
    r"""Writes rows as they come, whole or not at all.

    Args:
        path: `.jsonl`: an object a line; `.json`: one array of objects; `.csv`: with a header;
            `.parquet`. All but Parquet may end in `.gz` besides. Replaced if it is there.
        rows: Column -> number, text, a list of these or None; all with the same columns. Numbers
            of NumPy are numbers, arrays are lists, and bytes are UTF-8.
        separator: What stands between the values of a list in a cell of CSV.

    Returns:
        Number of rows.

    Raises:
        ValueError: If the name has another ending, there are no rows, a row has other columns
            than the first, a number is not finite (JSON), or a column mixes types (Parquet).
        ImportError: For Parquet, if pyarrow is not installed.
        OSError: If the disk is full; what was there before stays.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "predictions.csv"
        >>> write_table(path, [{"user": 7, "score": 0.5}, {"user": 8, "score": 0.25}])
        2
        >>> path.read_text()
        'user,score\n7,0.5\n8,0.25\n'
    """
    packed = path.suffix == ".gz"
    ending = Path(path.stem).suffix if packed else path.suffix
    if ending not in (".jsonl", ".json", ".csv", ".parquet") or (packed and ending == ".parquet"):
        raise ValueError(
            "`--output` must end in .jsonl, .json, .csv (each also with .gz) or .parquet. "
            f"Received: --output {path}."
        )
    counted = itertools.count()
    plain = _plain(rows, counted)
    first = next(plain, None)
    if first is None:
        raise ValueError("`rows` must not be empty. Received: no row.")
    plain = itertools.chain([first], plain)
    with atomic_file(path) as partial:
        if ending == ".parquet":
            _write_parquet(partial, plain)
        else:
            opened: Callable[..., Any] = gzip.open if packed else open
            with (
                opened(partial, "wb") as file,
                io.TextIOWrapper(file, encoding="utf-8", newline="") as text,
            ):
                if ending == ".csv":
                    _write_csv(text, first, plain, separator)
                else:
                    _write_json(text, plain, as_array=ending == ".json")
    return next(counted)


def _plain(rows: Iterable[Row], counted: Iterator[int]) -> Iterator[dict[str, Any]]:
    names = None
    for row in rows:
        number = next(counted)
        names = names or list(row)
        if list(row) != names and set(row) != set(names):
            raise ValueError(
                f"`rows` must all have the columns {', '.join(names)}. "
                f"Received: {', '.join(row)} in row {number}."
            )
        yield {name: _value(row[name]) for name in names}


def _value(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_value(one) for one in value]
    return value.decode() if isinstance(value, bytes) else value


def _write_json(text: IO[str], rows: Iterator[Row], *, as_array: bool) -> None:
    start, between, end = ("[\n", ",\n", "\n]\n") if as_array else ("", "\n", "\n")
    for number, row in enumerate(rows):
        try:
            line = json.dumps(row, ensure_ascii=False, allow_nan=False)
        except ValueError as error:
            raise ValueError(
                f"`rows` must hold finite numbers. Received: {dict(row)} in row {number}."
            ) from error
        text.write((between if number else start) + line)
    text.write(end)


def _write_csv(text: IO[str], first: Row, rows: Iterator[Row], separator: str) -> None:
    writer = csv.DictWriter(text, list(first), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {
                name: separator.join(map(str, value)) if isinstance(value, list) else value
                for name, value in row.items()
            }
        )


def _write_parquet(partial: Path, rows: Iterator[Row]) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError(
            "pyarrow must be installed to write Parquet. Run: pip install 'tfrs-afm[pipelines]'."
        ) from error
    try:
        table = pa.Table.from_pylist(list(itertools.islice(rows, _ROWS)))
        with pq.ParquetWriter(partial, table.schema) as writer:
            writer.write_table(table)
            while some := list(itertools.islice(rows, _ROWS)):
                writer.write_table(pa.Table.from_pylist(some, schema=table.schema))
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError(f"`rows` must keep the type of each column. Received: {error}.") from error
