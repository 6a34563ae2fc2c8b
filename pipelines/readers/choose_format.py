"""A format by its name."""

from pathlib import Path

from pipelines.readers.csv_format import CsvFormat
from pipelines.readers.format_options import FormatOptions
from pipelines.readers.json_lines_format import JsonLinesFormat
from pipelines.readers.libsvm_format import LibsvmFormat
from pipelines.readers.row_format import RowFormat


def choose_format(options: FormatOptions, first: Path) -> RowFormat:
    """Returns the parser of a format.

    Args:
        options: The format and its options.
        first: The first file, where the format looks for what holds for all.

    Raises:
        ValueError: If the options do not fit the file.
    """
    if options.format == "csv":
        return CsvFormat(options, first)
    if options.format == "jsonl":
        return JsonLinesFormat()
    if options.format in ("libsvm", "libffm"):
        return LibsvmFormat(options)
    if options.format == "parquet":
        from pipelines.readers.parquet_format import ParquetFormat

        return ParquetFormat(first)
    # TensorFlow takes seconds to load, and text needs none of it.
    from pipelines.readers.example_format import ExampleFormat

    return ExampleFormat(options)
