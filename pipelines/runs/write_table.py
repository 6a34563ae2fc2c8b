"""A table as JSON, CSV or Parquet."""

import csv
import io
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.files.write_text import write_text


def write_table(columns: Mapping[str, Sequence[Any]], path: Path) -> None:
    """Writes a table whole or not at all, in the form that the ending of its file names.

    Args:
        columns: Name -> values, all of one length.
        path: `.json` (a list of objects), `.csv` or `.parquet`.

    Raises:
        ValueError: If the ending is another.
        ImportError: If it is Parquet and pyarrow is not installed.

    Example:
        >>> path = Path(tempfile.mkdtemp()) / "predictions.csv"
        >>> write_table({"row": [0, 1], "prediction": [0.25, 0.5]}, path)
        >>> path.read_text().split()
        ['row,prediction', '0,0.25', '1,0.5']
    """
    rows = zip(*columns.values(), strict=True)
    if path.suffix == ".json":
        objects = [dict(zip(columns, row, strict=True)) for row in rows]
        write_text(path, json.dumps(objects, ensure_ascii=False, indent=0) + "\n")
    elif path.suffix == ".csv":
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        write_text(path, text.getvalue())
    elif path.suffix == ".parquet":
        _write_parquet(columns, path)
    else:
        raise ValueError(
            f"`--output` must end with .json, .csv or .parquet. Received: --output {path}."
        )


def _write_parquet(columns: Mapping[str, Sequence[Any]], path: Path) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ImportError(
            "pyarrow must be installed to write Parquet. Run: pip install 'tfrs-afm[pipelines]'."
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as partial:
        file = Path(partial) / path.name
        pq.write_table(pa.table({name: list(values) for name, values in columns.items()}), file)
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.replace(path)
