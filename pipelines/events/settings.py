"""What a log of events is, and what examples to make of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

import pydantic

from pipelines.configuration.load_configuration import load_section
from pipelines.configuration.raw_files import RawFiles
from pipelines.configuration.section import Files, Section, broken
from pipelines.readers.formats import FormatOptions, format_options

_MADE = ("label", "history", "history_age")


class EventSettings(RawFiles):
    """A log with one event a row - who, what, when - and the examples that are made of it.

    One example an event: the features of its row, a label, and what the same user did strictly
    before it. Everything that is fitted sees the training split only.

    Raises:
        ValueError: If the settings contradict each other; the message names the key.

    Example:
        >>> settings = EventSettings(
        ...     files=("log.csv",),
        ...     format="csv",
        ...     user="user",
        ...     item="film",
        ...     time="at",
        ...     features={
        ...         "user": EventSettings.Feature(dtype="int64", fit="num_ids"),
        ...         "film": EventSettings.Feature(dtype="string", fit="vocabulary"),
        ...     },
        ... )
        >>> settings.history
        50
    """

    class Feature(Section):
        """A column of the log that becomes a feature of the examples."""

        dtype: Literal["int64", "float32", "string"]
        """Type of its values."""
        kind: Literal["fixed", "variable"] = "fixed"
        """One value an event, or a list of any length."""
        default: int | float | str | None = None
        """Value where a fixed feature is missing; without one, a row that lacks it is bad."""
        fit: Literal["vocabulary", "bounds", "num_ids"] | None = None
        """What the training split decides: the known strings, the bounds of buckets, the ids."""
        min_count: int = pydantic.Field(1, ge=1)
        """A vocabulary leaves rarer values out."""
        num_buckets: int = pydantic.Field(10, ge=2)
        """Most buckets."""
        description: str = ""
        """What it means, with its unit."""

        @pydantic.model_validator(mode="after")
        def _check(self) -> Self:
            fits = {"int64": ("num_ids", "bounds"), "float32": ("bounds",)}
            if self.fit is not None and self.fit not in fits.get(self.dtype, ("vocabulary",)):
                fix = "A vocabulary is of string, num_ids of int64, bounds of numbers."
                raise broken("fit", f"suit {self.dtype}", fix)
            types = {"int64": (int,), "float32": (int, float), "string": (str,)}[self.dtype]
            if self.default is not None and not isinstance(self.default, types):
                raise broken("default", f"be {self.dtype}")
            if self.default is not None and self.kind == "variable":
                raise broken("default", "be left out of a list", "A missing list is empty.")
            return self

    files: Files = pydantic.Field(min_length=1)
    """Paths or patterns such as `logs/*.csv.gz`; on Beam of any of its file systems."""
    format: Literal["csv", "jsonl", "tfrecord", "parquet"]
    """Form of the files; tfrecord holds `tf.Example`."""
    user: str
    """Feature: who acts; the group of ranking metrics."""
    item: str
    """Feature: what is acted on."""
    time: str
    """Column: when, a number or ISO 8601; a timestamp or date of Parquet."""
    time_unit: Literal["s", "ms", "us", "ns"] = "s"
    """Unit of a number: since 1970. What is finer is cut to seconds."""
    label: str | None = None
    """Column: 0 or 1, a number with `positive_from`, or text with `label_values`; left out, each
    event is positive."""
    features: dict[str, Feature]
    """The columns that become features, by name; `user` and `item` are among them."""
    item_features: tuple[str, ...] = ()
    """Features that belong to the item, not to the moment: a sampled negative has its own."""
    history: int = pydantic.Field(50, ge=0)
    """Most items in a history, the user's earlier positives; 0 for no history."""
    max_events: int = pydantic.Field(10_000, ge=1)
    """Keep at most this many events per user, oldest first; a user with more is taken for a bot."""
    negatives: int = pydantic.Field(0, ge=0)
    """Negatives sampled for each positive event, examples of label 0."""
    fractions: tuple[float, ...] = (0.8, 0.1, 0.1)
    """Share of the training, validation and test split, by time; two leave the test split out."""
    seed: int = 1
    """Decides the sampled negatives."""
    num_shards: int = pydantic.Field(4, ge=1)
    """Files per split."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the splits, oldest first."""
        return ("train", "validation", "test")[: len(self.fractions)]

    @property
    def options(self) -> FormatOptions:
        """How the files are written, for the readers."""
        return format_options(self, self.format)

    @property
    def dtypes(self) -> dict[str, str]:
        """The columns that are read, and their types."""
        return {
            **{name: feature.dtype for name, feature in self.features.items()},
            **({self.label: "string" if self.label_values else "float32"} if self.label else {}),
            self.time: "time",
        }

    @pydantic.model_validator(mode="after")
    def _check(self) -> Self:
        try:
            _ = self.options  # checks itself
        except ValueError as error:
            raise broken("format", "fit its options", str(error)) from error
        for key, name in (("user", self.user), ("item", self.item)):
            feature = self.features.get(name)
            if feature is None or feature.kind != "fixed" or feature.dtype == "float32":
                raise broken(key, "be one of `features`, fixed, int64 or string")
        for name in self.item_features:
            if name not in self.features or name in (self.user, self.item):
                raise broken("item_features", "be among `features`, without user and item")
        taken = {*_MADE, self.label} & set(self.features)
        if taken:
            fix = f"Features made here are called {', '.join(_MADE)}."
            raise broken("features", f"not be called {', '.join(sorted(map(str, taken)))}", fix)
        for key in ("positive_from", "label_values"):
            if getattr(self, key) and self.label is None:
                raise broken(key, "come with a `label`")
        if not 2 <= len(self.fractions) <= 3 or min(self.fractions) <= 0:
            raise broken("fractions", "be two or three positive numbers")
        if abs(sum(self.fractions) - 1.0) > 1e-6:
            raise broken("fractions", "sum to one")
        return self


def load_event_settings(path: str | Path, overrides: Sequence[str] = ()) -> EventSettings:
    """Reads and checks the settings of a log, as `load_configuration` does a configuration.

    Args:
        path: A `.toml` or `.json` file. Its `files` are relative to its folder, except for those
            with a `scheme://`.
        overrides: Values to set before the check, as "history=20".

    Returns:
        The settings.

    Raises:
        ValueError: If there is no such file, or a value breaks a rule; the key, its value, the rule
            and the file are named.
    """
    return load_section(EventSettings, Path(path), overrides)
