"""What columns leave open: one fit, the fits of a configuration, and their values."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any, Literal

from pipelines.configuration.column import Column

What = Literal["vocabulary", "num_ids", "quantile", "uniform", "mean", "median", "range"]


_BUCKETS = 10


@dataclasses.dataclass(frozen=True)
class Fit:
    """What is to be found, on which features; equal fits are found once.

    Attributes:
        what: `vocabulary`: values by falling count; `num_ids`: one more than the largest id;
            `quantile`, `uniform`: bounds of buckets; `mean`, `median`: of the numbers; `range`:
            mean, standard deviation, least and greatest.
        features: Whose values count, together.
        size: Most values of a vocabulary; number of buckets.
        min_count: How often a value of a vocabulary must occur.
        ends: Whether bounds include the least and the greatest number.
        log: Whether the numbers are sign(x) log(1 + |x|).
    """

    what: What
    features: tuple[str, ...]
    size: int | None = None
    min_count: int = 1
    ends: bool = False
    log: bool = False

    @property
    def name(self) -> str:
        """What stands for it in `Fitted`; different fits have different names.

        Example:
            >>> Fit("quantile", ("age",), 10).name
            'quantile(age, size=10)'
        """
        options = [
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)[2:]
            if getattr(self, field.name) != field.default
        ]
        return f"{self.what}({', '.join([*self.features, *options])})"

    def differs_in_size_only(self, name: str) -> bool:
        """Returns whether another fit, by its name, is this one but for `size` and `min_count`.

        Example:
            >>> Fit("quantile", ("age",), 10).differs_in_size_only("quantile(age, size=4)")
            True
        """
        least = dataclasses.replace(self, size=None, min_count=1).name
        return re.sub(r", (size|min_count)=\d+(?=[,)])", "", name) == least


@dataclasses.dataclass(frozen=True)
class Fitted:
    """Vocabularies, bounds, means and numbers of ids, as JSON-ready values.

    Attributes:
        values: `Fit.name` -> its value: a list of a vocabulary's values or of bounds, a number,
            or for a range the list of mean, standard deviation, least and greatest number.
        values_of: Feature -> the feature whose values it lists, as a history lists items; what is
            fitted on one holds for both.
    """

    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    values_of: dict[str, str] = dataclasses.field(default_factory=dict)

    def of(self, fit: Fit) -> Any:
        """Returns the value of a fit.

        Where examples were prepared by other settings than the columns', a column that leaves the
        options of a fit at their defaults takes what was fitted.

        Raises:
            ValueError: If it was not fitted.
        """
        if fit.name in self.values:
            return self.values[fit.name]
        features = tuple(dict.fromkeys(self.values_of.get(name, name) for name in fit.features))
        fit = dataclasses.replace(fit, features=features)
        if fit.name in self.values:
            return self.values[fit.name]
        similar = [name for name in self.values if fit.differs_in_size_only(name)]
        if len(similar) == 1 and fit.size in (None, _BUCKETS) and fit.min_count == 1:
            return self.values[similar[0]]
        raise ValueError(
            f"`columns` must be those that were fitted. Received: a column that needs "
            f"{fit.name}, and fitted are {', '.join(self.values) or 'none'}. Prepare the data "
            "again, or give the column its value."
        )


class ColumnFits:
    """The fits of the columns of one configuration.

    Args:
        columns: All its columns: those that share a table are fitted together.
    """

    def __init__(self, columns: tuple[Column, ...]) -> None:
        self._shared: dict[str, tuple[str, ...]] = {}
        for column in columns:
            if column.shared is not None:
                keys = (*self._shared.get(column.shared, ()), *_id_keys(column))
                self._shared[column.shared] = tuple(dict.fromkeys(keys))
        self._columns = columns

    def __iter__(self) -> Iterator[Fit]:
        """Goes through all fits, in the order of the columns; some may come twice."""
        for column in self._columns:
            yield from self._all(column, column.shared)

    def ids(self, column: Column, shared: str | None = None) -> Fit | None:
        """Returns the fit of a column's ids or bounds, None where they are given.

        Args:
            column: The column, or one inside of it.
            shared: The name of the table that the outer column shares.
        """
        features = self._shared[shared] if shared is not None else (str(column.key),)
        kind = column.kind.removeprefix("sequence_")
        if kind == "categorical_column_with_identity" and column.num_buckets is None:
            return Fit("num_ids", features)
        if kind == "categorical_column_with_vocabulary_list" and not column.vocabulary_list:
            return Fit("vocabulary", features, column.max_size, column.min_count)
        linear = kind == "piecewise_linear_column"
        if (linear or kind == "bucketized_column") and not column.boundaries:
            size = column.num_buckets or _BUCKETS
            return Fit(column.bounds, (str(column.key),), size, ends=linear)
        return None

    def default(self, column: Column) -> Fit | None:
        """Returns the fit of a column's default value, None where it is given or left out."""
        if column.default_value in ("mean", "median"):
            return Fit("mean" if column.default_value == "mean" else "median", (str(column.key),))
        return None

    def normalizer(self, column: Column) -> Fit | None:
        """Returns the fit of a column's normalizer, None where it has none."""
        if column.normalizer is None:
            return None
        return Fit("range", (str(column.key),), log=column.normalizer == "log")

    def _all(self, column: Column, shared: str | None) -> Iterator[Fit]:
        for fit in (self.ids(column, shared), self.default(column), self.normalizer(column)):
            if fit is not None and column.key is not None:
                yield fit
        for inner in (*column.keys, column.categorical_column):
            if isinstance(inner, Column):
                yield from self._all(inner, shared if inner is column.categorical_column else None)


def _id_keys(column: Column) -> tuple[str, ...]:
    inner = column.categorical_column or column
    return (inner.key,) if inner.key is not None else ()
