"""Parquet with columns of values and of lists."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.readers.missing_column import missing_column

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    raise ImportError(
        "pyarrow must be installed to read Parquet. Run: pip install 'tfrs-afm[pipelines]'."
    ) from error

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
