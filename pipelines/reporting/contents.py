"""All that a report tells."""

import dataclasses
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tfrs_afm
from pipelines.evaluation.bootstrap import Interval
from pipelines.evaluation.evaluate import Slice

BEFORE_CALIBRATION = "before calibration"
"""The name in `Contents.evaluated` of the model's own predictions where they are calibrated."""


@dataclasses.dataclass(frozen=True)
class ExplainedExample:
    """A prediction split into named parts.

    Attributes:
        story: What makes it telling, as "Worst miss: called negative, is positive".
        label: The label.
        prediction: The prediction.
        features: Feature -> its values, as text.
        parts: Name -> share of the log-odds: the bias, fields, pairs of fields, the deep tower,
            the calibration. They add up to those of the prediction.
    """

    story: str
    label: float
    prediction: float
    features: dict[str, str]
    parts: dict[str, float]


@dataclasses.dataclass(frozen=True)
class EvaluatedModel:
    """What a model or baseline says of the split that curves and slices are drawn for.

    Attributes:
        predictions: `(examples,)`.
        slices: Its metrics per slice.
    """

    predictions: NDArray[np.float64]
    slices: list[Slice] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class PartSummary:
    """Counts of a split.

    Attributes:
        examples: Number of examples.
        mean_label: Mean of the labels: for labels 0 and 1 the share of positives.
        groups: Number of groups; None where the data have none.
    """

    examples: int
    mean_label: float
    groups: int | None = None


@dataclasses.dataclass(frozen=True)
class Contents:
    """What is known of a run, read and computed; `render_page` lays it out.

    Attributes:
        title: The name of the run.
        model: The name of the model, as in `metrics` and `evaluated`; all others are baselines.
        parts: Split -> what it holds.
        fields: Columns, as (name, kind).
        history: The learning curve: one record an epoch, as in `history.jsonl`.
        best_epoch: The epoch of the best weights, as counted in the records.
        metrics: Split -> model or baseline -> metric -> value and interval.
        part: The split that everything below is about.
        labels: `(examples,)` labels of the split.
        weights: `(examples,)` weights of the examples; None for 1.
        binary: Whether labels are 0 and 1, so that there is a ROC curve.
        probabilities: Whether predictions are probabilities, so that they can be calibrated.
        evaluated: Model or baseline -> its predictions and slices.
        pairs: What field pairs do in the model; None where it has none.
        examples: The most telling ones.
        configuration: As resolved.
        versions: Program or package -> version.
    """

    title: str
    model: str
    parts: dict[str, PartSummary]
    fields: list[tuple[str, str]]
    history: list[dict[str, Any]]
    best_epoch: int | None
    metrics: dict[str, dict[str, dict[str, Interval]]]
    part: str
    labels: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    binary: bool
    probabilities: bool
    evaluated: dict[str, EvaluatedModel]
    pairs: tfrs_afm.PairAverages | None
    examples: list[ExplainedExample]
    configuration: dict[str, Any]
    versions: dict[str, str]


@dataclasses.dataclass(frozen=True)
class MetricCell:
    """A metric in a table.

    Attributes:
        interval: Its value, and the interval below it.
        best: Whether to mark it.
    """

    interval: Interval
    best: bool = False


@dataclasses.dataclass(frozen=True)
class Table:
    """A table with a heading for each column and one for each row.

    Attributes:
        caption: What it shows.
        headings: One for each column.
        rows: Cells; the first of a row is its heading.
        style: Class of the table.
    """

    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str | MetricCell]]
    style: str = ""


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Leaves out what feature columns append to the name of a feature, where no two become alike.

    Example:
        >>> short_names(["user_id_embedding", "film_shared_embedding[0]", "age"])
        {'user_id_embedding': 'user_id', 'film_shared_embedding[0]': 'film[0]', 'age': 'age'}
    """
    short = [re.sub(r"(_shared)?_(embedding|indicator)(?=$|\[)", "", name) for name in names]
    return {
        name: less if short.count(less) == 1 else name
        for name, less in zip(names, short, strict=True)
    }
