"""Vocabularies, bounds and means, from the rows of the training split."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pipelines.configuration.configuration import Configuration
from pipelines.fitting.fit import ColumnFits, Fit, Fitted
from pipelines.fitting.statistics import quantile_bounds, vocabulary


def fit_columns(configuration: Configuration, rows: Iterable[Mapping[str, Any]]) -> Fitted:
    """Goes through the rows once and finds what the columns leave open.

    Words and ids are counted, numbers kept, eight bytes each. The result depends on the values
    and not on the order of the rows.

    Args:
        configuration: Its columns say what is fitted.
        rows: The training split and nothing else: feature -> number, text, list of these or None.

    Returns:
        One value for each fit; empty where the columns leave nothing open.

    Raises:
        ValueError: If a feature that something is fitted to has no value in any row.

    Example:
        >>> from pipelines.configuration.column import Column
        >>> from pipelines.configuration.configuration import Data
        >>> genres = Column(kind="categorical_column_with_vocabulary_list", key="genres")
        >>> made = Configuration(data=Data(format="csv", train="a.csv"), columns=[genres])
        >>> fit_columns(made, [{"genres": ["war", "drama"]}, {"genres": ["drama"]}]).values
        {'vocabulary(genres)': ['drama', 'war']}
    """
    fits = list(dict.fromkeys(ColumnFits(configuration.columns)))
    counted = {name for fit in fits if fit.what == "vocabulary" for name in fit.features}
    largest = {name: -1 for fit in fits if fit.what == "num_ids" for name in fit.features}
    numeric = {
        name for fit in fits if fit.what not in ("vocabulary", "num_ids") for name in fit.features
    }
    words: dict[str, Counter[Any]] = {name: Counter() for name in counted}
    numbers = {name: array("d") for name in numeric}
    for row in rows if fits else ():
        for name, counter in words.items():
            counter.update(_values(row.get(name)))
        for name, known in largest.items():
            largest[name] = max(known, *_values(row.get(name)), -1)
        for name, kept in numbers.items():
            kept.extend(value for value in _values(row.get(name)) if value == value)
    return Fitted({fit.name: _value(fit, words, largest, numbers) for fit in fits})


def _values(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _value(
    fit: Fit, words: dict[str, Counter[Any]], largest: dict[str, int], numbers: dict[str, Any]
) -> Any:
    if fit.what == "vocabulary":
        counts: Counter[Any] = Counter()
        for name in fit.features:
            counts.update(words[name])
        return _filled(fit, vocabulary(counts, fit.min_count, fit.size))
    if fit.what == "num_ids":
        highest = max(largest[name] for name in fit.features)
        return _filled(fit, [highest + 1] if highest >= 0 else [])[0]
    values = np.concatenate([np.frombuffer(numbers[name]) for name in fit.features])
    _filled(fit, values)
    if fit.log:
        values = np.sign(values) * np.log1p(np.abs(values))
    if fit.what == "mean":
        return float(values.mean())
    if fit.what == "median":
        return float(np.median(values))
    if fit.what == "range":
        return [float(one) for one in (values.mean(), values.std(), values.min(), values.max())]
    return _bounds(fit, values)


def _bounds(fit: Fit, values: Any) -> list[float]:
    low, high, size = float(values.min()), float(values.max()), fit.size or 1
    if low == high:  # nothing to tell apart, and a column needs bounds
        return [low, low + 1.0] if fit.ends else [low]
    if fit.what == "uniform" or size == 1:
        bounds = [float(bound) for bound in np.linspace(low, high, size + 1)[1:-1]]
    else:
        bounds = quantile_bounds(values, size)
    if not fit.ends:
        return bounds or [high]
    return [low, *(bound for bound in bounds if low < bound < high), high]


def _filled(fit: Fit, values: Any) -> Any:
    if not len(values):
        raise ValueError(
            f"`{fit.features[0]}` must have values in the training split to fit {fit.name}. "
            "Received: none. Check the name, or give the column its value in the configuration."
        )
    return values
