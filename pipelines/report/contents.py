"""All that a report tells."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

import tfrs_afm
from pipelines.evaluation.interval import Interval
from pipelines.report.explained_example import ExplainedExample
from pipelines.report.judged_model import JudgedModel
from pipelines.report.part_summary import PartSummary


@dataclasses.dataclass(frozen=True)
class Contents:
    """What is known of a run, read and computed; `render_page` lays it out.

    Attributes:
        title: The name of the run.
        model: The name of the model, as in `metrics` and `judged`; all others are baselines.
        parts: Part -> what it holds.
        fields: Columns, as (name, kind).
        history: The learning curve: one record an epoch, as in `history.jsonl`.
        best_epoch: The epoch of the best weights, as counted in the records.
        metrics: Part -> model or baseline -> metric -> value and interval.
        part: The part that everything below is about.
        labels: `(examples,)` labels of the part.
        weights: `(examples,)` weights of the examples; None for 1.
        binary: Whether labels are 0 and 1, so that there is a ROC curve.
        probabilities: Whether predictions are probabilities, so that they can be calibrated.
        judged: Model or baseline -> its predictions and slices.
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
    judged: dict[str, JudgedModel]
    pairs: tfrs_afm.PairAverages | None
    examples: list[ExplainedExample]
    configuration: dict[str, Any]
    versions: dict[str, str]
