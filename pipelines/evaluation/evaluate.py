"""Predictions to metrics with confidence intervals, overall and per slice."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipelines.configuration.evaluation import Evaluation, direction_of
from pipelines.evaluation.bootstrap import AUCSums, Interval, Sums, bootstrap
from pipelines.evaluation.measures import example_sums, group_sums
from pipelines.evaluation.ranking import Ranking

_PER_GROUP = ("grouped_auc", "ndcg", "hit_rate", "mrr", "map")
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
    """Evaluates predictions over all examples and inside each group.

    Ranking metrics have the names and values of `tfrs_afm.tasks.metrics`. Intervals come from
    resamples of whole groups, because the examples of one group are not independent, or of
    examples where there are no groups; the calibration error has none, because the noise of a
    resample raises it by itself.
    Where groups are candidate lists, as one positive among 99 given negatives, `hit_rate`, `ndcg`
    and `mrr` are those of the sequence papers.

    Args:
        labels: `(examples,)` 0 or 1; for a regression any number.
        predictions: `(examples,)` probabilities; for a regression and for a ranking any number.
        groups: `(examples,)` what is ranked apart, for instance the user's id.
        weights: `(examples,)` weights of the examples. Examples of weight 0 are left out of
            everything; others count in every metric but `ndcg`, `hit_rate`, `mrr` and `map`, where
            each group counts once.
        task: What is predicted: a probability, an order inside groups, or a number. Decides the
            metrics where `evaluation` names none.
        evaluation: Which metrics, at which k, threshold and so on.

    Returns:
        Metric -> value and interval. `ndcg`, `hit_rate` and `map` come once for each k, as
        `ndcg_at_10`. A metric that these examples do not define, as AUC of one class, has no value.

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
    counted = weight != 0
    label, prediction, weight = label[counted], prediction[counted], weight[counted]
    group = None if group is None else group[counted]
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
    evaluated = bootstrap(
        found,
        count,
        resamples=evaluation.bootstrap,
        confidence=evaluation.confidence,
        seed=evaluation.seed,
    )
    if "calibration_error" in evaluated:
        evaluated["calibration_error"] = Interval(evaluated["calibration_error"].value)
    return evaluated


def _default(task: str, *, grouped: bool) -> tuple[str, ...]:
    if task == "regression":
        return ("rmse",)
    if task == "ranking":
        return ("auc", "grouped_auc", "ndcg") if grouped else ("auc",)
    names = ("auc", "logloss", "accuracy", "calibration_error")
    return (*names, "grouped_auc", "ndcg") if grouped else names


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
    if not (weight >= 0).all():
        row = int(np.argmax(~(weight >= 0)))
        raise ValueError(
            f"`weights` must be numbers from 0 on. Received: weights={weight[row]} in row {row}."
        )
    counted = weight != 0
    if not counted.any():
        raise ValueError("`weights` must leave an example. Received: 0 for every example.")
    missing = np.isnan(prediction) & counted
    if missing.any():
        row = int(np.argmax(missing))
        raise ValueError(f"`predictions` must be numbers. Received: predictions=nan in row {row}.")
    if group is None and set(names) & set(_PER_GROUP):
        name = next(name for name in names if name in _PER_GROUP)
        raise ValueError(
            f"`groups` must be given for {name}. Received: groups=None. "
            "Name the feature in data.group, or leave the metric out."
        )
    other_label = (label != 0) & (label != 1) & counted
    if set(names) - {"rmse"} and other_label.any():
        row = int(np.argmax(other_label))
        name = next(name for name in names if name != "rmse")
        raise ValueError(
            f"`labels` must be 0 or 1 for {name}. Received: labels={label[row]} in row {row}. "
            "Set data.positive_from, or take the metric rmse."
        )
    outside = ((prediction < 0) | (prediction > 1)) & counted
    if set(names) & set(_PROBABILITIES) and outside.any():
        row = int(np.argmax(outside))
        name = next(name for name in names if name in _PROBABILITIES)
        raise ValueError(
            f"`predictions` must be probabilities for {name}. "
            f"Received: predictions={prediction[row]} in row {row}. Apply a sigmoid to logits."
        )


@dataclasses.dataclass(frozen=True)
class Slice:
    """What a model scores on the examples that share a value of a feature.

    Attributes:
        field: The feature, or "user activity" and "item popularity".
        value: The value, as text.
        examples: How many examples have it.
        metrics: Metric -> value and interval.
    """

    field: str
    value: str
    examples: int
    metrics: dict[str, Interval]


_MISSING = "(missing)"
_OTHERS = "(others)"


def evaluate_slices(
    slices: Mapping[str, Sequence[Any]],
    labels: ArrayLike,
    predictions: ArrayLike,
    groups: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    *,
    task: Literal["binary", "ranking", "regression"] = "binary",
    evaluation: Evaluation | None = None,
    most: int = 12,
) -> list[Slice]:
    """Evaluates predictions for each value of some features.

    A mean over everybody hides whom a model serves badly: newcomers, rare items, one genre.

    Args:
        slices: Feature -> its value in each example: a word or number, a list of them, of which
            each makes the example part of a slice, or None where it is missing.
        labels: As for `evaluate_predictions`, like all that follows.
        predictions: `(examples,)`.
        groups: `(examples,)`.
        weights: `(examples,)`.
        task: What is predicted.
        evaluation: Which metrics, and how.
        most: How many values of a feature get a slice: those with the most examples. The examples
            of all further ones make one slice.

    Returns:
        The slices, feature by feature, the largest of each first.

    Raises:
        ValueError: As `evaluate_predictions`, and if a feature has another number of examples.

    Example:
        >>> evaluation = Evaluation(metrics=("accuracy",), bootstrap=0)
        >>> found = evaluate_slices(
        ...     {"genre": [["war"], ["war", "drama"], []]}, [1, 0, 1], [0.9, 0.8, 0.7],
        ...     evaluation=evaluation)
        >>> [(one.value, one.examples, one.metrics["accuracy"].value) for one in found]
        [('war', 2, 0.5), ('(missing)', 1, 1.0), ('drama', 1, 0.0)]
    """
    label, prediction = np.asarray(labels).ravel(), np.asarray(predictions).ravel()
    group = None if groups is None else np.asarray(groups).ravel()
    weight = None if weights is None else np.asarray(weights).ravel()
    found = []
    for field, values in slices.items():
        if len(values) != label.size:
            raise ValueError(
                f"`slices` must have a value for each example. Received: {len(values)} values and "
                f"{label.size} labels for field '{field}'."
            )
    if weight is not None:  # examples of weight 0 are in no slice
        counted = np.flatnonzero(weight).tolist()
        label, prediction, weight = label[counted], prediction[counted], weight[counted]
        group = None if group is None else group[counted]
        slices = {field: [values[row] for row in counted] for field, values in slices.items()}
    for field, values in slices.items():
        for value, rows in _rows(values, most).items():
            metrics = evaluate_predictions(
                label[rows],
                prediction[rows],
                None if group is None else group[rows],
                None if weight is None else weight[rows],
                task=task,
                evaluation=evaluation,
            )
            found.append(Slice(field, value, len(rows), metrics))
    return found


def _rows(values: Sequence[Any], most: int) -> dict[str, list[int]]:
    """Returns value -> the rows that have it, the largest first, the rest joined."""
    rows: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        members = value if isinstance(value, list | tuple | np.ndarray) else [value]
        words = dict.fromkeys(_word(member) for member in members) or {_MISSING: None}
        for word in words:
            rows.setdefault(word, []).append(row)
    by_size = sorted(rows.items(), key=lambda item: (-len(item[1]), item[0]))
    kept = dict(by_size[:most])
    rest = sorted({row for _, more in by_size[most:] for row in more})
    return {**kept, _OTHERS: rest} if rest else kept


def _word(value: Any) -> str:
    if value is None:
        return _MISSING
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


_STARTS = (0, 1, 5, 20, 100, 500)
_NAMES = ("0", "1-4", "5-19", "20-99", "100-499", "500 and more")


def activity(ids: ArrayLike, training: ArrayLike) -> list[str]:
    """Returns for each id the range that its number of training examples lies in.

    Of users this is their activity, of items their popularity: a slice by which it shows what a
    model does for newcomers and for the long tail.

    Args:
        ids: `(examples,)` ids to look up.
        training: `(training examples,)` ids of the training split.

    Returns:
        "0", "1-4", "5-19", "20-99", "100-499" or "500 and more", one for each id.

    Example:
        >>> activity(["ann", "bob", "cid"], ["ann"] * 6 + ["bob"])
        ['5-19', '1-4', '0']
    """
    known, count = np.unique(np.asarray(training).ravel(), return_counts=True)
    asked = np.asarray(ids).ravel()
    if not known.size:
        return [_NAMES[0]] * asked.size
    place = np.minimum(np.searchsorted(known, asked), known.size - 1)
    seen = np.where(known[place] == asked, count[place], 0)
    return [_NAMES[index] for index in np.searchsorted(_STARTS, seen, "right") - 1]


def metrics_table(
    metrics: Mapping[str, Mapping[str, float]], group: str = "group", *, mark_best: bool = False
) -> str:
    """Lays metrics out as an aligned table, one model a line.

    Args:
        metrics: Model -> name of a metric -> number; every model has the same metrics.
        group: What a group is, as "user", for the headings.
        mark_best: Whether the best number of each column has a star behind it.

    Returns:
        Lines without a line end behind the last.

    Example:
        >>> print(metrics_table({"AFM": {"auc": 0.75}, "popularity": {"auc": 0.5}}))
                       auc
        AFM         0.7500
        popularity  0.5000
    """
    first = next(iter(metrics.values()), {})
    headings = [
        name.replace("grouped", f"per-{group}").replace("_at_", "@").replace("_", " ")
        for name in first
    ]
    width = max(map(len, metrics), default=0)
    widths = [max(len(heading), 6) for heading in headings]
    best = {
        name: (min if direction_of(name) == "min" else max)(row[name] for row in metrics.values())
        for name in (first if mark_best else ())
    }
    room = " " * mark_best
    lines = [
        " " * width + "".join(f"  {h:>{w}}{room}" for h, w in zip(headings, widths, strict=True))
    ]
    for model, values in metrics.items():
        cells = [
            f"  {value:>{w}.4f}" + ("*" if best.get(name) == value else room)
            for (name, value), w in zip(values.items(), widths, strict=True)
        ]
        lines.append(f"{model:<{width}}" + "".join(cells))
    return "\n".join(line.rstrip() for line in lines)
