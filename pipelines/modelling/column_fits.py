"""What a column leaves to be fitted."""

from collections.abc import Iterator

from pipelines.configuration.column import Column
from pipelines.modelling.fit import Fit

_BUCKETS = 10


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
