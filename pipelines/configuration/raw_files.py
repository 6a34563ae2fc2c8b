"""How raw files are written: the keys that tables and logs of events share."""

from typing import Literal, Self

import pydantic

from pipelines.configuration.section import Section, broken


class RawFiles(Section):
    """Keys of every section that reads raw files; `Data` and `EventSettings` add their own."""

    positive_from: float | None = None
    """If given, the label is 1 where it is at least this number, otherwise 0."""
    label_values: dict[str, float] = pydantic.Field(default_factory=dict)
    """If given, the label is text, and this says which number each text is: {yes = 1, no = 0}."""
    lists: dict[str, str] = pydantic.Field(default_factory=dict)
    """CSV: column -> the separator of the values that its cells hold."""
    pairs: dict[str, str] = pydantic.Field(default_factory=dict)
    """CSV: column of `lists` whose values are `id:weight` -> what separates the two. The ids are
    the feature of that name, the weights the feature `<name>_vals`."""
    missing: tuple[str, ...] = ("",)
    """CSV: cells that mean that there is no value."""
    delimiter: str = pydantic.Field(default=",", min_length=1)
    """CSV: the separator of cells. Several characters, as "::", only with quoting = false."""
    quoting: bool = True
    """CSV: whether cells may stand in quotes; otherwise a quote is a character like others."""
    comment: str | None = pydantic.Field(default=None, min_length=1)
    """CSV: lines that begin with this are passed over."""
    decimal: Literal[".", ","] = "."
    """CSV: the decimal mark of numbers."""
    max_cell_size: int = pydantic.Field(default=1 << 20, gt=0)
    """CSV: most characters of a cell. So much of a file is one bad row if a quote is not closed.
    Parquet: most bytes of a text that rows share, and of the mean text of a column."""
    max_line_size: int = pydantic.Field(default=1 << 24, gt=0)
    """CSV, JSON lines, libsvm, libffm: most bytes of a line, which a line feed ends. A longer one
    is an error before it fills the memory: a small compressed file may hold one without end."""
    encoding: str = "utf-8"
    """CSV, JSON lines, libsvm, libffm: the encoding, by a name that Python knows: "cp1252"."""
    header: bool = True
    """CSV: whether the first line of each file names the columns."""
    names: tuple[str, ...] | None = None
    """CSV: the names, instead of a header or where there is none. libsvm: one for each pair of a
    line. libffm: one for each field."""
    on_bad_row: Literal["error", "skip"] = "error"
    """What to do with an invalid row: stop, or count and skip it."""
    max_bad_rows: float = pydantic.Field(default=0.01, ge=0, le=1)
    """The largest share of rows that may be skipped; more is an error."""

    @pydantic.model_validator(mode="after")
    def _one_rule_of_labels(self) -> Self:
        if self.label_values and self.positive_from is not None:
            raise broken("positive_from", "be left out with `label_values`", "Keep one of the two.")
        return self
