"""Predictions to metrics with confidence intervals."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipelines.configuration.evaluation import Evaluation
from pipelines.evaluation.auc_sums import AUCSums
from pipelines.evaluation.bootstrap import bootstrap
from pipelines.evaluation.example_sums import example_sums
from pipelines.evaluation.group_sums import group_sums
from pipelines.evaluation.interval import Interval
from pipelines.evaluation.sums import Sums
from pipelines.metrics.ranking import Ranking

_PER_GROUP = ("group_auc", "ndcg", "hit_rate", "mrr", "map")
_PROBABILITIES = ("logloss", "calibration_error")


def evaluate_predictions(
    labels: ArrayLike,
    predictions: ArrayLike,
    groups: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    *,
    task: Literal["binary", "ranking", "regression"] = "binary",
    evaluation: Evaluation | None = None,
) -> dict[str, Interval]:
    """Judges predictions over all examples and inside each group.

    The numbers are those of `pipelines.metrics`. Intervals come from resamples of whole groups,
    because the examples of one group are not independent, or of examples where there are no groups;
    the calibration error has none, because the noise of a resample raises it by itself.
    Where groups are candidate lists, as one positive among 99 given negatives, `hit_rate`, `ndcg`
    and `mrr` are those of the sequence papers.

    Args:
        labels: `(examples,)` 0 or 1; for a regression any number.
        predictions: `(examples,)` probabilities; for a regression and for a ranking any number.
        groups: `(examples,)` what is ranked apart, for instance the user's id.
        weights: `(examples,)` weights of the examples. They count in every metric but `ndcg`,
            `hit_rate`, `mrr` and `map`, where each group counts once.
        task: What is predicted: a probability, an order inside groups, or a number. Decides the
            metrics where `evaluation` names none.
        evaluation: Which metrics, at which k, threshold and so on.

    Returns:
        Metric -> value and interval. `ndcg`, `hit_rate` and `map` come once for each k, as
        `ndcg_10`. A metric that these examples do not define, as AUC of one class, has no value.

    Raises:
        ValueError: If there are no examples, the arguments differ in length, a label is neither 0
            nor 1 where the metric needs that, a prediction is NaN or no probability where the
            metric needs one, or a metric needs groups and there are none.

    Example:
        >>> found = evaluate_predictions([1, 0, 1, 0], [0.9, 0.2, 0.6, 0.7])
        >>> found["auc"].value, found["accuracy"].value
        (0.75, 0.75)
    """
    evaluation = evaluation or Evaluation()
    label = np.asarray(labels, np.float64).ravel()
    prediction = np.asarray(predictions, np.float64).ravel()
    weight = np.ones(label.size) if weights is None else np.asarray(weights, np.float64).ravel()
    group = None if groups is None else np.asarray(groups).ravel()
    names = evaluation.metrics or _default(task, grouped=group is not None)
    _check(names, label, prediction, weight, group)
    units = np.arange(label.size)
    if group is not None:
        units = np.unique(group, return_inverse=True)[1].ravel()
    count = int(units.max()) + 1
    found: dict[str, Sums | AUCSums] = {}
    for name in names:
        if name == "auc":
            found[name] = AUCSums(label > 0, prediction, weight, units)
        elif name not in _PER_GROUP:
            found[name] = example_sums(name, label, prediction, weight, units, evaluation)
    if group is not None and set(names) & set(_PER_GROUP):
        found |= group_sums(names, Ranking(group, label, prediction, weight), evaluation.k)
    judged = bootstrap(
        found,
        count,
        resamples=evaluation.bootstrap,
        confidence=evaluation.confidence,
        seed=evaluation.seed,
    )
    if "calibration_error" in judged:
        judged["calibration_error"] = Interval(judged["calibration_error"].value)
    return judged


def _default(task: str, *, grouped: bool) -> tuple[str, ...]:
    if task == "regression":
        return ("rmse",)
    if task == "ranking":
        return ("auc", "group_auc", "ndcg") if grouped else ("auc",)
    names = ("auc", "logloss", "accuracy", "calibration_error")
    return (*names, "group_auc", "ndcg") if grouped else names


def _check(
    names: tuple[str, ...],
    label: NDArray[np.float64],
    prediction: NDArray[np.float64],
    weight: NDArray[np.float64],
    group: NDArray | None,
) -> None:
    if not label.size:
        raise ValueError("`labels` must not be empty. Received: no labels.")
    for name, other in (("predictions", prediction), ("weights", weight), ("groups", group)):
        if other is not None and other.size != label.size:
            raise ValueError(
                f"`{name}` must be as many as `labels`. "
                f"Received: {other.size} {name} and {label.size} labels."
            )
    if np.isnan(prediction).any():
        row = int(np.argmax(np.isnan(prediction)))
        raise ValueError(f"`predictions` must be numbers. Received: predictions=nan in row {row}.")
    if group is None and set(names) & set(_PER_GROUP):
        name = next(name for name in names if name in _PER_GROUP)
        raise ValueError(
            f"`groups` must be given for {name}. Received: groups=None. "
            "Name the feature in data.group, or leave the metric out."
        )
    other_label = (label != 0) & (label != 1)
    if set(names) - {"rmse"} and other_label.any():
        row = int(np.argmax(other_label))
        name = next(name for name in names if name != "rmse")
        raise ValueError(
            f"`labels` must be 0 or 1 for {name}. Received: labels={label[row]} in row {row}. "
            "Set data.positive_from, or take the metric rmse."
        )
    outside = (prediction < 0) | (prediction > 1)
    if set(names) & set(_PROBABILITIES) and outside.any():
        row = int(np.argmax(outside))
        name = next(name for name in names if name in _PROBABILITIES)
        raise ValueError(
            f"`predictions` must be probabilities for {name}. "
            f"Received: predictions={prediction[row]} in row {row}. Apply a sigmoid to logits."
        )
