"""What the pipelines compute, once more as plain loops that share no code with them."""

import math
from collections.abc import Sequence


def auc(labels: Sequence[int], scores: Sequence[float]) -> float:
    won = pairs = 0.0
    for label_a, score_a in zip(labels, scores, strict=True):
        for label_b, score_b in zip(labels, scores, strict=True):
            if label_a and not label_b:
                pairs += 1
                won += 1.0 if score_a > score_b else 0.5 if score_a == score_b else 0.0
    return won / pairs


def log_loss(labels: Sequence[int], predictions: Sequence[float]) -> float:
    total = 0.0
    for label, prediction in zip(labels, predictions, strict=True):
        clipped = min(max(prediction, 1e-7), 1 - 1e-7)
        total -= math.log(clipped) if label else math.log(1 - clipped)
    return total / len(labels)


def by_group(
    groups: Sequence[int], labels: Sequence[int], scores: Sequence[float]
) -> list[tuple[list[int], list[float]]]:
    return [
        (
            [label for g, label in zip(groups, labels, strict=True) if g == group],
            [score for g, score in zip(groups, scores, strict=True) if g == group],
        )
        for group in sorted(set(groups))
    ]


def grouped_auc(groups: Sequence[int], labels: Sequence[int], scores: Sequence[float]) -> float:
    total = weight = 0.0
    for inside, ranked in by_group(groups, labels, scores):
        if 0 < sum(inside) < len(inside):
            total += len(inside) * auc(inside, ranked)
            weight += len(inside)
    return total / weight


def ndcg(groups: Sequence[int], labels: Sequence[int], scores: Sequence[float], k: int) -> float:
    found = []
    for inside, ranked in by_group(groups, labels, scores):
        if not sum(inside):
            continue
        ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, sum(inside)) + 1))
        gain = 0.0
        for label, score in zip(inside, ranked, strict=True):
            # A tied example is equally often on each rank that the tie covers.
            above = sum(other > score for other in ranked)
            tied = sum(other == score for other in ranked)
            ranks = [rank for rank in range(above + 1, above + tied + 1) if rank <= k]
            gain += label * sum(1 / math.log2(rank + 1) for rank in ranks) / tied
        found.append(gain / ideal)
    return sum(found) / len(found)


def history(
    event: tuple[int, int, int, int], log: Sequence[tuple[int, int, int, int]], length: int
) -> tuple[list[int], list[float]]:
    """Films and ages of one `(user, film, stars, time)`, from a look at the whole log."""
    user, _, _, time = event
    past = [
        (-other_time, film)
        for other_user, film, stars, other_time in log
        if other_user == user and other_time < time and stars >= 4
    ]
    newest = sorted(past)[:length]
    return [film for _, film in newest], [(time + minus) / 86400 for minus, _ in newest]
