"""The metrics themselves: sums over examples, means over groups, curves."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipelines.configuration.evaluation import Evaluation
from pipelines.evaluation.bootstrap import Sums
from pipelines.evaluation.ranking import Ranking

_EPSILON = 1e-7  # as Keras clips probabilities


def example_sums(
    name: str,
    label: NDArray[np.float64],
    prediction: NDArray[np.float64],
    weight: NDArray[np.float64],
    units: NDArray[np.int64],
    evaluation: Evaluation,
) -> Sums:
    """Returns a metric whose sums go over examples, added up by unit.

    Args:
        name: "logloss", "rmse", "calibration_error", "accuracy", "precision" or "recall".
        label: `(examples,)`.
        prediction: `(examples,)`.
        weight: `(examples,)`.
        units: `(examples,)` which unit, from 0 on, each belongs to.
        evaluation: Threshold, clipping and bins.

    Example:
        >>> import numpy as np
        >>> right = example_sums("accuracy", np.array([1.0, 0.0]), np.array([0.9, 0.6]), np.ones(2),
        ...     np.arange(2), Evaluation())
        >>> right.of(np.array([[1.0, 1.0]])).tolist()
        [0.5]
    """
    count = int(units.max()) + 1

    def by_unit(*columns: NDArray) -> NDArray[np.float64]:
        return np.stack([np.bincount(units, weight * column, count) for column in columns], 1)

    one = np.ones(label.size)
    if name == "logloss":
        sure = np.clip(prediction, _EPSILON, 1 - _EPSILON)
        return Sums(by_unit(-np.log(np.where(label > 0, sure, 1 - sure)), one))
    if name == "rmse":
        seen = prediction if evaluation.clip is None else np.clip(prediction, *evaluation.clip)
        return Sums(
            by_unit((label - seen) ** 2, one), lambda sums: np.sqrt(sums[:, 0] / sums[:, 1])
        )
    if name == "calibration_error":
        bins = evaluation.bins
        place = np.minimum((prediction * bins).astype(np.int64), bins - 1)
        gaps = np.bincount(units * bins + place, weight * (prediction - label), count * bins)
        return Sums(
            np.c_[gaps.reshape(count, bins), by_unit(one)],
            lambda sums: np.abs(sums[:, :-1]).sum(1) / sums[:, -1],
        )
    positive, called = label > 0, prediction >= evaluation.threshold
    if name == "accuracy":
        return Sums(by_unit(positive == called, one))
    if name == "recall":
        return Sums(by_unit(positive & called, positive))
    # As in Keras: who calls nothing positive has a precision of 0.
    return Sums(
        by_unit(positive & called, called),
        lambda sums: sums[:, 0] / np.where(sums[:, 1], sums[:, 1], 1),
    )


def group_sums(names: tuple[str, ...], ranking: Ranking, ks: tuple[int, ...]) -> dict[str, Sums]:
    """Returns the metrics that are means over groups.

    Args:
        names: Of "grouped_auc", "ndcg", "hit_rate", "mrr" and "map"; others are passed over.
        ranking: The examples of each group.
        ks: The numbers of ranks that count.

    Returns:
        Metric, as `ndcg_at_10`, -> its sums over the groups that have a value.

    Example:
        >>> import numpy as np
        >>> ranking = Ranking([7, 7, 8, 8], [1, 0, 1, 0], [0.9, 0.1, 0.2, 0.3])
        >>> group_sums(("hit_rate",), ranking, (1,))["hit_rate_at_1"].of(np.ones([1, 2])).tolist()
        [0.5]
    """
    measures = {
        "ndcg": ranking.ndcg,
        "hit_rate": ranking.hit_rate,
        "map": ranking.average_precision,
    }
    values: dict[str, NDArray[np.float64]] = {}
    weights = np.ones(ranking.sizes.size)
    for name in names:
        if name == "grouped_auc":
            values[name] = ranking.auc()
        elif name == "mrr":
            values[name] = ranking.reciprocal_rank()
        elif name in measures:
            values |= {f"{name}_at_{k}": measures[name](k) for k in ks}
    found = {}
    for name, value in values.items():
        weight = ranking.group_weights() if name == "grouped_auc" else weights
        share = np.where(np.isnan(value), 0.0, weight)
        found[name] = Sums(np.stack([np.nan_to_num(value) * share, share], 1))
    return found


class ReliabilityCurve(NamedTuple):
    """Mean prediction and rate of positives, bin by bin of the predictions.

    Attributes:
        predicted: `(bins,)` the mean prediction of each bin that has examples.
        observed: `(bins,)` the rate of positives there; equal to `predicted` when calibrated.
        weight: `(bins,)` the sum of the weights of its examples: what they count for.
        examples: `(bins,)` how many examples it has, those of weight 0 aside.

    Example:
        >>> ReliabilityCurve.of([0, 1, 1], [0.1, 0.7, 0.9], bins=2).observed.tolist()
        [0.0, 1.0]
    """

    predicted: NDArray[np.float64]
    observed: NDArray[np.float64]
    weight: NDArray[np.float64]
    examples: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        labels: ArrayLike,
        predictions: ArrayLike,
        bins: int = 15,
        weights: ArrayLike | None = None,
    ) -> "ReliabilityCurve":
        """Puts examples into bins of equal width.

        Args:
            labels: `(examples,)` 0 or 1.
            predictions: `(examples,)` probabilities.
            bins: How many bins [0, 1] is cut into; those without examples are left out. Positive.
            weights: `(examples,)` weights of the examples. Default: 1.

        Raises:
            ValueError: If there are no examples, `bins` is not positive, or a prediction is
                outside of [0, 1] or NaN.
        """
        label = np.asarray(labels, bool).ravel()
        prediction = np.asarray(predictions, np.float64).ravel()
        if not label.size:
            raise ValueError("`labels` must not be empty. Received: no labels.")
        if bins < 1:
            raise ValueError(f"`bins` must be positive. Received: bins={bins}.")
        outside = ~((prediction >= 0) & (prediction <= 1))
        if outside.any():
            row = int(np.argmax(outside))
            raise ValueError(
                "`predictions` must be probabilities. "
                f"Received: predictions={prediction[row]} in row {row}. Apply a sigmoid to logits."
            )
        weight = np.ones(label.size) if weights is None else np.asarray(weights, np.float64).ravel()
        place = np.minimum((prediction * bins).astype(np.int64), bins - 1)
        total: NDArray[np.float64] = np.bincount(place, weight, bins).astype(np.float64)
        full = total > 0
        predicted = np.bincount(place, weight * prediction, bins)[full] / total[full]
        observed = np.bincount(place, weight * label, bins)[full] / total[full]
        count = np.bincount(place, weight > 0, bins).astype(np.int64)
        return cls(predicted, observed, total[full], count[full])


class ROCCurve(NamedTuple):
    """The rates of true and false positives at every threshold; the area below it is the AUC.

    Attributes:
        false_positive: `(points,)` share of the negatives from each threshold on, from 0 to 1.
        true_positive: `(points,)` share of the positives there, from 0 to 1.

    Example:
        >>> curve = ROCCurve.of([0, 1, 1], [0.1, 0.1, 0.7])
        >>> curve.false_positive.tolist(), curve.true_positive.tolist()
        ([0.0, 0.0, 1.0], [0.0, 0.5, 1.0])
    """

    false_positive: NDArray[np.float64]
    true_positive: NDArray[np.float64]

    @classmethod
    def of(
        cls, labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None = None
    ) -> "ROCCurve":
        """Takes one point for each distinct score, so that ties are a slope and not a choice.

        Args:
            labels: `(examples,)` 0 or 1.
            scores: `(examples,)` numbers, of which only the order matters.
            weights: `(examples,)` weights of the examples. Default: 1.

        Raises:
            ValueError: If all labels are equal.
        """
        label = np.asarray(labels, bool).ravel()
        if label.all() or not label.any():
            raise ValueError(
                "`labels` must hold both classes. Received: "
                f"{label.sum()} positive and {(~label).sum()} negative labels."
            )
        weight = np.ones(label.size) if weights is None else np.asarray(weights, np.float64).ravel()
        _, tie = np.unique(np.asarray(scores).ravel(), return_inverse=True)
        rates = []
        for wanted in (~label, label):
            total = np.cumsum(np.bincount(tie.ravel(), weight * wanted)[::-1])
            rates.append(np.r_[0.0, total / total[-1]])
        return cls(*rates)


def calibration_error(
    labels: ArrayLike, predictions: ArrayLike, bins: int = 15, weights: ArrayLike | None = None
) -> float:
    """Returns the expected calibration error, ECE.

        sum over bins of (share of the examples) * |mean prediction - rate of positives|
    with bins of equal width over [0, 1].

    Args:
        labels: `(examples,)` 0 or 1.
        predictions: `(examples,)` probabilities.
        bins: How many bins. Positive.
        weights: `(examples,)` weights of the examples. Default: 1.

    Raises:
        ValueError: If there are no examples, `bins` is not positive, or a prediction is outside of
            [0, 1] or NaN.

    Example:
        >>> calibration_error([0, 1, 1, 1], [0.25, 0.25, 0.75, 0.75], bins=2)
        0.25
    """
    curve = ReliabilityCurve.of(labels, predictions, bins, weights)
    gap = np.abs(curve.predicted - curve.observed)
    return float(np.average(gap, weights=curve.weight))
