"""Files of any format as rows."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.readers.bad_rows import BadRows, missing_column
from pipelines.readers.csv_format import CsvFormat
from pipelines.readers.formats import FormatOptions, RowFormat, TypedFormat
from pipelines.readers.json_lines_format import JsonLinesFormat
from pipelines.readers.libsvm_format import LibsvmFormat
from pipelines.readers.text_files import open_text
from pipelines.readers.values import typed_value


def read_rows(
    files: Sequence[Path],
    options: FormatOptions | RowFormat,
    dtypes: Mapping[str, str] | None = None,
    bad_rows: BadRows | None = None,
) -> Iterator[tuple[dict[str, Any], Path, int]]:
    r"""Yields every row of the files, in their order, for preparation and fitting.

    A row is feature name -> int, float, str, a list of these, or None where there is no value;
    what `dtypes` asks for is always there.
    One value may stand alone or in a list of one, as the format has it: a tf.Example knows lists
    only, so a list of one comes as its value.

    Args:
        files: The files, one after the other.
        options: How they are written; or a format of your own, whose values have their types.
        dtypes: Name -> a type of `typed_value`: checked, and made of text where the
            format is text. Other columns stay as they are, in CSV text. Each must be there.
        bad_rows: What becomes of a bad row. Default: it is an error.

    Yields:
        The row, its file, and its line counted from 1 or its record counted from 0.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If there are no files, one is empty, damaged or lacks a column, or a row is bad.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "clicks.csv"
        >>> _ = path.write_text("user,tags\n7,new|red\n")
        >>> options = FormatOptions("csv", lists={"tags": "|"})
        >>> [row for row, _, line in read_rows([path], options, {"user": "int64"})]
        [{'user': 7, 'tags': ['new', 'red']}]
    """
    if not files:
        raise ValueError("`files` must not be empty. Received: files=[].")
    dtypes = dtypes or {}
    bad_rows = bad_rows or BadRows()
    form = choose_format(options, files[0]) if isinstance(options, FormatOptions) else options
    for name in dtypes:
        if form.names is not None and name not in form.names:
            raise missing_column(name, files[0], form.names)
    csv = isinstance(options, FormatOptions) and options.format == "csv"
    decimal = options.decimal if isinstance(options, FormatOptions) and csv else None
    seen: set[str] = set()
    for path in files:
        if isinstance(form, TypedFormat):
            form.check_types(path, dtypes)
        for number, record in form.records(path):
            try:
                if isinstance(record, ValueError):
                    raise record
                row = form.row(record)
                typed = {
                    name: typed_value(name, row.get(name), dtype, decimal=decimal)
                    for name, dtype in dtypes.items()
                }
            except ValueError as error:
                bad_rows.add(path, number, error, form.unit)
                continue
            if not seen.issuperset(row):
                seen.update(row)
            yield row | typed, path, number
    if not seen:
        raise ValueError(f"`files` must hold a row that can be read. {bad_rows.report()}")
    # Only at the end is it sure that a key which a row may lack is not there at all.
    for name in dtypes:
        if name not in seen:
            raise missing_column(name, files[-1], sorted(seen))


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
        return JsonLinesFormat(options)
    if options.format in ("libsvm", "libffm"):
        return LibsvmFormat(options)
    if options.format == "parquet":
        from pipelines.readers.parquet import ParquetFormat

        return ParquetFormat(first, options.max_cell_size)
    if options.format == "elwc":
        from pipelines.readers.elwc_format import ElwcFormat

        return ElwcFormat(options)
    # TensorFlow takes seconds to load, and text needs none of it.
    from pipelines.readers.examples import ExampleFormat

    return ExampleFormat(options)


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
        from pipelines.readers.parquet import ParquetFormat

        with ParquetFormat(path).open(path) as file:
            return int(file.metadata.num_rows)
    if options.format == "elwc":
        return sum(1 for _ in choose_format(options, path).records(path))
    if options.format in ("tfrecord", "sequence_example"):
        from pipelines.readers.examples import check_records, record_compression

        if record_compression(path):
            return sum(1 for _ in choose_format(options, path).records(path))
        return check_records(path)
    lines, last = 0, b""
    with open_text(path, options) as file:
        while block := file.read(_BLOCK):
            lines += block.count(b"\n")
            last = block
    header = options.format == "csv" and options.header
    return lines + (not last.endswith(b"\n")) - header
