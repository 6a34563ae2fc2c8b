"""Metrics per slice."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from pipelines.configuration.evaluation import Evaluation
from pipelines.evaluation.evaluate_predictions import evaluate_predictions
from pipelines.evaluation.slice import Slice

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
    """Judges predictions for each value of some features.

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
