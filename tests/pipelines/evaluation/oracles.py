"""Ranking measures as means over every order of the tied, written out."""

import itertools
import math
from collections.abc import Callable, Sequence


def over_orders(
    groups: Sequence[int],
    labels: Sequence[int],
    scores: Sequence[float],
    measure: Callable[[list[int]], float],
) -> list[float]:
    """The mean of `measure(labels by falling score)` for each group with a positive."""
    found = []
    for group in sorted(set(groups)):
        rows = [row for row in range(len(groups)) if groups[row] == group]
        if not any(labels[row] for row in rows):
            continue
        values = [
            measure([labels[row] for row in order])
            for order in itertools.permutations(rows)
            if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order))
        ]
        found.append(sum(values) / len(values))
    return found


def hit(ranked: list[int], k: int) -> float:
    return float(any(ranked[:k]))


def reciprocal(ranked: list[int]) -> float:
    return 1 / (ranked.index(1) + 1)


def precision_average(ranked: list[int], k: int) -> float:
    total = 0.0
    for place, label in enumerate(ranked[:k]):
        if label:
            total += sum(ranked[: place + 1]) / (place + 1)
    return total / min(k, sum(ranked))


def gain(ranked: list[int], k: int) -> float:
    def dcg(labels: list[int]) -> float:
        return sum(label / math.log2(place + 2) for place, label in enumerate(labels[:k]))

    return dcg(ranked) / dcg(sorted(ranked, reverse=True))


def weighted_auc(labels: Sequence[int], scores: Sequence[float], weights: Sequence[float]) -> float:
    won = pairs = 0.0
    for i, j in itertools.product(range(len(labels)), repeat=2):
        if labels[i] and not labels[j]:
            pairs += weights[i] * weights[j]
            half = 1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0
            won += half * weights[i] * weights[j]
    return won / pairs


def calibration_error(
    labels: Sequence[int], predictions: Sequence[float], weights: Sequence[float], bins: int
) -> float:
    error = 0.0
    for place in range(bins):
        rows = [
            row
            for row, prediction in enumerate(predictions)
            if place / bins <= prediction < (place + 1) / bins
            or (place == bins - 1 and prediction == 1.0)
        ]
        total = sum(weights[row] for row in rows)
        if total:
            mean = sum(weights[row] * predictions[row] for row in rows) / total
            rate = sum(weights[row] * labels[row] for row in rows) / total
            error += total * abs(mean - rate)
    return error / sum(weights)
