"""The section `data`: which rows there are, and what they are of."""

from typing import Annotated, Any, Literal, Self

import pydantic

from pipelines.configuration.broken import broken
from pipelines.configuration.files import Files
from pipelines.configuration.section import Section
from pipelines.configuration.split import Split

Format = Literal["csv", "parquet", "jsonl", "tfrecord", "sequence_example", "libsvm", "libffm"]
Positive = Annotated[int, pydantic.Field(gt=0)]


class Data(Section):
    """Where rows come from, and which of their columns is label, weight and group.

    Either `source` names a raw data set, or `format` says how the files of the parts are written.
    """

    source: str | None = None
    """A raw data set of `pipelines/sources`, as "movielens-1m"."""
    path: str | None = None
    """The folder or file of the source."""
    settings: dict[str, Any] = pydantic.Field(default_factory=dict)
    """What the source lets one choose."""
    format: Format | None = None
    """How the files are written."""
    train: Files = ()
    """Path, glob or list of the files to train on; with `split`, of all files."""
    validation: Files = ()
    """Files to choose the best weights on."""
    test: Files = ()
    """Files to report numbers on."""
    split: Split | None = None
    """How the rows of `train` are dealt out, where no other part is given."""

    label: str = "label"
    """What is predicted, a number."""
    weight: str | None = None
    """Weight of a row in the loss. Default: all rows weigh the same."""
    group: str | None = None
    """Whose rows are ranked apart, as the user's id."""
    positive_from: float | None = None
    """If given, the label is 1 where it is at least so much, otherwise 0."""

    lists: dict[str, str] = pydantic.Field(default_factory=dict)
    """Column -> the separator of the values that its text cells hold."""
    missing: tuple[str, ...] = ("",)
    """Cells that mean that there is no value."""
    delimiter: str = pydantic.Field(default=",", min_length=1, max_length=1)
    """Separator of the cells of a CSV file."""
    header: bool = True
    """Whether a CSV file begins with the names of its columns."""
    names: tuple[str, ...] | None = None
    """CSV: the names, instead of a header or where there is none. libsvm: one for each pair of a
    line. libffm: one for each field."""
    num_fields: Positive | None = None
    """Fields a row of libsvm or libffm. Default: rows may differ."""
    index_base: int = pydantic.Field(default=0, ge=0)
    """The smallest id in a file of libsvm or libffm."""
    on_bad_row: Literal["error", "skip"] = "error"
    """What happens at a row that cannot be read: an error, or it is counted and left out."""

    batch_size: Positive = 1024
    """Rows a step."""
    shuffle_buffer: int = pydantic.Field(default=1_000_000, ge=0)
    """Rows that are shuffled together, in memory; 0 keeps the order. Fewer than there are cost
    accuracy where neighbours are alike, as in a file that goes user by user."""
    shards: Positive = 4
    """Files a prepared part."""

    @pydantic.model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.source is None) == (self.format is None):
            raise broken("format", "be given, or else `source`", "Give exactly one of the two.")
        if self.format is not None and not self.train:
            raise broken("train", "name files", "Give a path, a glob or a list of them.")
        if self.source is not None and self.train:
            raise broken("train", "be left out with a `source`", "The source knows its parts.")
        if self.format is not None and (self.settings or self.path):
            key = "settings" if self.settings else "path"
            raise broken(key, "be left out without a `source`", "Name files with `train`.")
        if self.split is not None and (self.validation or self.test):
            raise broken("split", "be left out where parts are given", "Keep one of the two.")
        if not self.header and not self.names:
            raise broken("names", "be given without a header", "List the columns in order.")
        return self
