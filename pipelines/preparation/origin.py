"""The rows of a configuration, from files or from a raw data set."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.preparation.find_files import find_files
from pipelines.preparation.format_options import format_options
from pipelines.preparation.row_rules import RowRules
from pipelines.readers.bad_rows import BadRows
from pipelines.readers.count_rows import count_rows
from pipelines.readers.read_rows import read_rows
from pipelines.sources.find_source import find_source

_RECORDS = ("parquet", "tfrecord", "sequence_example")


class Origin:
    """Rows per part, checked, as often as they are asked for.

    Args:
        configuration: Its section `data` says where they are.
        rules: What a row must be.

    Attributes:
        parts: The names of the parts that the data comes in.
        files: Part -> the raw files; of a source "train" -> all of its files.
        bad_rows: What became of bad rows.

    Raises:
        ValueError: If there are no such files, or no such source.
    """

    def __init__(self, configuration: Configuration, rules: RowRules) -> None:
        data = configuration.data
        self._data, self._rules = data, rules
        self.bad_rows = BadRows(data.on_bad_row)
        self.files: dict[str, list[Path]] = {}
        if data.source is not None:
            path = None if data.path is None else Path(data.path)
            self._rows: Any = find_source(data.source)(path, data.settings)
            if path is not None:
                self.files["train"] = sorted(
                    one for one in (path.rglob("*") if path.is_dir() else [path]) if one.is_file()
                )
            self.parts = tuple(self._rows)
        else:
            named = {"train": data.train, "validation": data.validation, "test": data.test}
            for part, patterns in named.items():
                if patterns:
                    self.files[part] = find_files(patterns, f"data.{part}")
            self.parts = tuple(self.files)

    def count(self) -> int | None:
        """Returns how many rows there are, about: see `count_rows`. None of a source."""
        if self._data.source is not None:
            return None
        form = format_options(self._data)
        return sum(count_rows(files, form) for files in self.files.values())

    def rows(self, part: str) -> Iterator[dict[str, Any]]:
        """Yields the good rows of a part, in one order each time.

        Args:
            part: One of `parts`.

        Raises:
            ValueError: If a row is bad and that is an error; its file and line are named.
        """
        unit = "record" if self._data.format in _RECORDS else "line"
        for raw, path, number in self._raw(part):
            try:
                row = self._rules.checked(raw)
            except ValueError as error:
                self.bad_rows.add(path, number, str(error), unit)
                continue
            column = self._data.split and self._data.split.column
            if column:
                row.setdefault(column, raw.get(column))
            yield row

    def _raw(self, part: str) -> Iterator[tuple[dict[str, Any], Path, int]]:
        if self._data.source is not None:
            place = Path(f"{self._data.source} ({part})")
            for number, row in enumerate(self._rows[part], start=1):
                yield row, place, number
            return
        rules, data = self._rules, self._data
        dtypes = {
            **rules.dtypes,
            **dict.fromkeys([name for name in rules.extras if data.format == "csv"], "string"),
        }
        if data.split is not None and data.split.by == "column":
            dtypes.setdefault(str(data.split.column), "string")
        yield from read_rows(self.files[part], format_options(data), dtypes, self.bad_rows)
