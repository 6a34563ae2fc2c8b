"""How many rows there are, before they are read."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.readers.choose_format import choose_format
from pipelines.readers.format_options import FormatOptions
from pipelines.readers.open_bytes import open_bytes
from pipelines.readers.record_compression import record_compression

_BLOCK = 1 << 20  # bytes


def count_rows(files: Sequence[Path], options: FormatOptions) -> int:
    r"""Counts the rows of files without parsing them, to say how long reading will take.

    Parquet and TFRecord tell exactly. In text lines are counted: blank lines, comments and cells
    with ends of line in them make it too many.

    Args:
        files: The files.
        options: How they are written.

    Raises:
        ValueError: If a file is empty or damaged.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.csv"
        >>> _ = path.write_text("user\n7\n8\n")
        >>> count_rows([path], FormatOptions("csv"))
        2
    """
    return sum(_count(path, options) for path in files)


def _count(path: Path, options: FormatOptions) -> int:
    if options.format == "parquet":
        from pipelines.readers.parquet_format import ParquetFormat

        with ParquetFormat(path).open(path) as file:
            return int(file.metadata.num_rows)
    if options.format in ("tfrecord", "sequence_example"):
        if record_compression(path):
            return sum(1 for _ in choose_format(options, path).records(path))
        from pipelines.readers.check_records import check_records

        return check_records(path)
    lines, last = 0, b""
    with open_bytes(path) as file:
        while block := file.read(_BLOCK):
            lines += block.count(b"\n")
            last = block
    header = options.format == "csv" and options.header
    return lines + (not last.endswith(b"\n")) - header
