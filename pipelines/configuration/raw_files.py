"""How raw files are written: the keys that tables and logs of events share."""

from typing import Literal

import pydantic

from pipelines.configuration.section import Section


class RawFiles(Section):
    """Keys of every section that reads raw files; `Data` and `EventSettings` add their own."""

    positive_from: float | None = None
    """If given, the label is 1 where it is at least this number, otherwise 0."""
    lists: dict[str, str] = pydantic.Field(default_factory=dict)
    """CSV: column -> the separator of the values that its cells hold."""
    missing: tuple[str, ...] = ("",)
    """CSV: cells that mean that there is no value."""
    delimiter: str = pydantic.Field(default=",", min_length=1, max_length=1)
    """CSV: the separator of cells."""
    header: bool = True
    """CSV: whether the first line of each file names the columns."""
    names: tuple[str, ...] | None = None
    """CSV: the names, instead of a header or where there is none. libsvm: one for each pair of a
    line. libffm: one for each field."""
    on_bad_row: Literal["error", "skip"] = "error"
    """What to do with an invalid row: stop, or count and skip it."""
    max_bad_rows: float = pydantic.Field(default=0.01, ge=0, le=1)
    """The largest share of rows that may be skipped; more is an error."""
