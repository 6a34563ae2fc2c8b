"""How the rows of a file are written."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from pipelines.configuration.raw_files import RawFiles
from pipelines.readers.values import Wanted

_CSV, _LIBSVM = frozenset({"csv"}), frozenset({"libsvm", "libffm"})
_TEXT = _CSV | _LIBSVM | {"jsonl"}
_FORMATS = ("csv", "jsonl", "tfrecord", "sequence_example", "elwc", "parquet", "libsvm", "libffm")
_OF = {
    **dict.fromkeys(("lists", "pairs", "missing", "delimiter", "quoting", "comment"), _CSV),
    **dict.fromkeys(("decimal", "header"), _CSV),
    "max_cell_size": _CSV | {"parquet"},
    "names": _CSV | _LIBSVM,
    **dict.fromkeys(("encoding", "max_line_size"), _TEXT),
    **dict.fromkeys(("num_fields", "index_base"), _LIBSVM),
}
"""Option -> the formats that have a use for it."""
UNIT_SEPARATOR = "\x1f"
"""What stands for a delimiter of several characters while a file is read."""


@dataclasses.dataclass(frozen=True)
class FormatOptions:
    """A format by its name, and what a reader cannot see in the file itself.

    Options that a format has no use for are refused, so that a setting never goes unheard.

    Attributes:
        format: `"csv"`, `"jsonl"`, `"parquet"`, `"tfrecord"` (of `tf.Example`),
            `"sequence_example"` (TFRecord of `tf.SequenceExample`), `"elwc"` (TFRecord of
            `ExampleListWithContext`), `"libsvm"` or `"libffm"`.
        lists: CSV: name of a column whose cells hold lists -> what separates their values.
        pairs: CSV: name of a column of `lists` whose values are an id and a weight -> what
            separates the two. The weights are the feature `<name>_vals`.
        missing: CSV: cells that mean that there is no value; such values of lists are left out.
        delimiter: CSV: what separates cells; several characters only without `quoting`.
        quoting: CSV: whether cells may stand in quotes.
        comment: CSV: what lines begin with that are passed over.
        decimal: CSV: the decimal mark of numbers, a point or a comma.
        max_cell_size: CSV: most characters of a cell. Parquet: most bytes of a text that
            rows share, and of the mean text of a column.
        max_line_size: CSV, JSON lines, libsvm and libffm: most bytes of a line in UTF-8.
        encoding: CSV, JSON lines, libsvm and libffm: the encoding of the text.
        header: CSV: whether the first line of each file names the columns.
        names: CSV: the columns' names, in place of a header or instead of the one there is.
            libsvm: one name for each pair of a line, by position. libffm: one for each field, by
            its number.
        num_fields: libsvm and libffm: how many pairs each line must have; None for any number.
        index_base: libsvm and libffm: the smallest id; it is subtracted, so ids begin at 0.

    Example:
        >>> FormatOptions("csv", lists={"tags": "|"}, missing=("", "?")).delimiter
        ','
    """

    format: str
    lists: Mapping[str, str] = dataclasses.field(default_factory=dict)
    pairs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    missing: tuple[str, ...] = ("",)
    delimiter: str = ","
    quoting: bool = True
    comment: str | None = None
    decimal: str = "."
    max_cell_size: int = 1 << 20
    max_line_size: int = 1 << 24
    encoding: str = "utf-8"
    header: bool = True
    names: tuple[str, ...] | None = None
    num_fields: int | None = None
    index_base: int = 0

    def __post_init__(self) -> None:
        """Checks each option, and that the format has a use for it.

        Raises:
            ValueError: If an option is out of range, or not one of this format's.
        """
        if self.format not in _FORMATS:
            raise ValueError(
                f"`format` must be one of {', '.join(_FORMATS)}. Received: format={self.format}."
            )
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not _is_of(field.name, self.format) and value not in (field.default, {}):
                raise ValueError(
                    f"`{field.name}` must be left out for format={self.format}. "
                    f"Received: {field.name}={value!r}."
                )
        self._check_csv()
        if self.num_fields is not None and self.num_fields < 1:
            raise ValueError(
                f"`num_fields` must be positive. Received: num_fields={self.num_fields}."
            )
        if self.index_base < 0:
            raise ValueError(
                f"`index_base` must not be negative. Received: index_base={self.index_base}."
            )

    @property
    def separator(self) -> str:
        """The one character between cells, once `open_text` has read the file."""
        return self.delimiter if len(self.delimiter) == 1 else UNIT_SEPARATOR

    def _check_csv(self) -> None:
        if not self.delimiter or any(one in self.delimiter for one in '"\r\n'):
            raise ValueError(
                "`delimiter` must be a character or several, no quote and no end of line. "
                f"Received: delimiter={self.delimiter!r}."
            )
        if len(self.delimiter) > 1 and self.quoting:
            raise ValueError(
                "`delimiter` must be one character, or come with quoting = false. Received: "
                f"delimiter={self.delimiter!r}. Set quoting = false if no cell is quoted."
            )
        if self.decimal == "," == self.delimiter:
            raise ValueError(
                "`decimal` must not be what separates cells. Received: decimal=','. "
                'Set the delimiter, for example delimiter = ";".'
            )
        for key, separators in (("lists", self.lists), ("pairs", self.pairs)):
            for name, separator in separators.items():
                if not separator:
                    raise ValueError(
                        f"`{key}` must give a separator. Received: '' for field '{name}'."
                    )
        for name, separator in self.pairs.items():
            if self.lists.get(name) in (None, separator):
                raise ValueError(
                    "`pairs` must name columns of `lists`, with another separator. Received: "
                    f"pairs={separator!r} and lists={self.lists.get(name)!r} for field '{name}'."
                )
        try:
            "".encode(self.encoding)
        except LookupError as error:
            raise ValueError(
                "`encoding` must be one that Python knows. "
                f"Received: encoding={self.encoding!r}. Correct it, for example cp1252."
            ) from error
        if self.names is not None and (
            not self.names or len(set(self.names)) != len(self.names) or "" in self.names
        ):
            raise ValueError(
                f"`names` must be different and not empty. Received: names={list(self.names)}."
            )
        if not self.header and self.names is None:
            raise ValueError(
                "`names` must be given where no header names the columns. "
                "Received: header=False and names=None."
            )


def _is_of(option: str, form: str) -> bool:
    return form in _OF.get(option, _FORMATS)


@runtime_checkable
class TypedFormat(Protocol):
    """A format whose files say the types of their columns."""

    def check_types(self, path: Path, dtypes: Mapping[str, str]) -> None:
        """Looks whether the columns of a file are what is wanted of them.

        Raises:
            ValueError: If one is of another type.
        """
        ...


class RowFormat(Protocol):
    """Cuts files into records, which is quick, and makes a row of a record, which is not.

    A record is whatever the format hands from the one to the other: a line, cells, bytes. Where
    the cutting itself finds a fault, the record is the `ValueError` that says so.

    Attributes:
        unit: What the numbers of records count: `"line"` (from 1) or `"record"` (from 0).
    """

    unit: str

    @property
    def names(self) -> tuple[str, ...] | None:
        """The columns, where they are known before a row is read."""
        ...

    def records(self, path: Path) -> Iterator[tuple[int, Any]]:
        """Yields each record of a file with its number.

        Raises:
            ValueError: If the file as a whole cannot be read; the file is named.
        """
        ...

    def row(self, record: Any) -> dict[str, Any]:
        """Makes a row of a record.

        Raises:
            ValueError: If the record is bad: the rule and what was received, no full stop.
        """
        ...


Arrays = dict[str, tuple[NDArray[Any], NDArray[Any]]]


class TextFormat(RowFormat, Protocol):
    """Makes arrays of many records at once, many times faster than row by row."""

    def arrays(self, records: Sequence[Any], wanted: Sequence[Wanted]) -> Arrays | None:
        """Converts many records at once, or returns None where each needs a look.

        What it converts, `row` and `typed_value` would convert to the same.

        Args:
            records: As `records` gives them.
            wanted: What is read of each.

        Returns:
            Key of what is wanted -> the values of all records, and the number of each record's.
        """
        ...


def format_options(files: RawFiles, form: str, *, other: bool = False) -> FormatOptions:
    """Returns how raw files are written.

    Args:
        files: The section that describes them.
        form: Their format.
        other: Whether the format may be another than the section describes, which leaves out
            options that it has no use for.

    Example:
        >>> format_options(RawFiles(delimiter=";"), "csv").delimiter
        ';'
    """
    names = [field.name for field in dataclasses.fields(FormatOptions) if field.name != "format"]
    given = {name: getattr(files, name) for name in names if hasattr(files, name)}
    if other:
        given = {name: value for name, value in given.items() if _is_of(name, form)}
    return FormatOptions(form, **given)
