"""How the rows of a file are written."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from pipelines.configuration.raw_files import RawFiles
from pipelines.readers.values import Wanted

_FORMATS = ("csv", "jsonl", "tfrecord", "sequence_example", "parquet", "libsvm", "libffm")
_TEXT = ("libsvm", "libffm")


@dataclasses.dataclass(frozen=True)
class FormatOptions:
    """A format by its name, and what a reader cannot see in the file itself.

    Options that a format has no use for are refused, so that a setting never goes unheard.

    Attributes:
        format: `"csv"`, `"jsonl"`, `"parquet"`, `"tfrecord"` (of `tf.Example`),
            `"sequence_example"` (TFRecord of `tf.SequenceExample`), `"libsvm"` or `"libffm"`.
        lists: CSV: name of a column whose cells hold lists -> what separates their values.
        missing: CSV: cells that mean that there is no value; such values of lists are left out.
        delimiter: CSV: what separates cells, one character.
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
    missing: tuple[str, ...] = ("",)
    delimiter: str = ","
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
        unused = {"names"} if self.format not in ("csv", *_TEXT) else set()
        if self.format != "csv":
            unused |= {"lists", "missing", "delimiter", "header"}
        if self.format not in _TEXT:
            unused |= {"num_fields", "index_base"}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in unused and value not in (field.default, {}):
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

    def _check_csv(self) -> None:
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise ValueError(
                "`delimiter` must be one character, no quote and no end of line. "
                f"Received: delimiter={self.delimiter!r}."
            )
        for name, separator in self.lists.items():
            if not separator:
                raise ValueError(f"`lists` must give a separator. Received: '' for field '{name}'.")
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


def format_options(files: RawFiles, form: str) -> FormatOptions:
    """Returns how raw files are written.

    Args:
        files: The section that describes them.
        form: Their format.

    Example:
        >>> format_options(RawFiles(delimiter=";"), "csv").delimiter
        ';'
    """
    return FormatOptions(
        form,
        lists=files.lists,
        missing=files.missing,
        delimiter=files.delimiter,
        header=files.header,
        names=files.names,
        num_fields=getattr(files, "num_fields", None),
        index_base=getattr(files, "index_base", 0),
    )
