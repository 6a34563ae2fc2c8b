"""Keras metrics of rankings inside groups, for example of what each user is shown."""

import math
from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.ranked_groups import RankedGroups, log_choices
from tfrs_afm.types import Tensor

__all__ = [
    "NDCG",
    "GroupedAUC",
    "GroupedMetric",
    "HitRate",
    "MeanAveragePrecision",
    "MeanReciprocalRank",
]


class GroupedMetric(tf.keras.metrics.Metric):
    """A metric of the ranking inside each group, over all batches; abstract.

    It keeps group, label, score and weight of every example, 20 bytes, because nothing less gives
    the exact value when a group is spread over batches. `fit` and `evaluate` of the ready models
    therefore gather it in evaluation only, and compute it once at the end.

    Args:
        group: Name of the feature that says the group of an example, for example "user_id".
        name: Name of the metric.
    """

    def __init__(self, group: str, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.group = group
        self._ids, self._labels, self._scores, weights = (
            tf.Variable(
                tf.zeros([0], dtype),
                shape=[None],
                trainable=False,
                name=part,
                # Each replica gathers the rows of all, so that any one knows everything.
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )
            for part, dtype in (
                ("ids", tf.int64),
                ("labels", tf.float32),
                ("scores", tf.float32),
                ("weights", tf.float32),
            )
        )
        # Not tracked: checkpoints from before there were weights must go on to match.
        object.__setattr__(self, "_row_weights", weights)

    @property
    def _rows(self) -> tuple[Any, Any, Any, Any]:
        return self._ids, self._labels, self._scores, self._row_weights

    def update_state(
        self,
        labels: Tensor,
        predictions: Tensor,
        sample_weight: Tensor | None = None,
        *,
        groups: Tensor,
    ) -> None:
        """Takes in a batch.

        Args:
            labels: `(batch,)` or `(batch, 1)`; above 0 is positive.
            predictions: `(batch,)` or `(batch, 1)`; only their order inside a group counts.
            sample_weight: `(batch,)` or `(batch, 1)`, not negative. Examples of weight 0 are left
                out. Others count in `GroupedAUC`; in all else each group counts once.
            groups: `(batch,)` int64.
        """
        labels = tf.cast(tf.reshape(labels, [-1]), tf.float32)
        scores = tf.cast(tf.reshape(predictions, [-1]), tf.float32)
        if sample_weight is None:
            rows = [groups, labels, scores, tf.ones_like(scores)]
        else:
            weights = tf.cast(tf.reshape(sample_weight, [-1]), tf.float32)
            rows = [tf.boolean_mask(row, weights != 0) for row in (groups, labels, scores, weights)]
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            context = tf.distribute.get_replica_context()
            rows = [context.all_gather(row, axis=0) for row in rows]
        for kept, row in zip(self._rows, rows, strict=True):
            kept.assign(tf.concat([kept, row], axis=0))

    def merge_state(self, metrics: Any) -> None:
        """Takes in what other metrics of the same kind have seen."""
        for metric in metrics:
            ids, labels, scores, weights = metric._rows
            self.update_state(labels, scores, weights, groups=ids)

    def result(self) -> Tensor:
        """Returns the metric of everything seen since the last reset, `()` float32."""
        return self.of(RankedGroups.of(*self._rows))

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forgets everything seen."""
        for kept in self._rows:
            kept.assign(tf.zeros([0], kept.dtype))

    def save_own_variables(self, store: Any) -> None:
        """Saves nothing: examples seen are no part of a model."""

    def load_own_variables(self, store: Any) -> None:
        """Loads nothing."""

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "group": self.group}


class TopKMetric(GroupedMetric):
    """A metric of the first k examples of each group; abstract.

    Args:
        group: Name of the feature that says the group of an example.
        k: How many ranks count. Positive.
        name: Name of the metric.
    """

    def __init__(self, group: str, k: int, name: str, **kwargs: Any) -> None:
        super().__init__(group, name, **kwargs)
        if k < 1:
            raise ValueError(f"`k` must be positive. Received: k={k}. Use 10, say.")
        self.k = k

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "k": self.k}


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class GroupedAUC(GroupedMetric):
    """Mean AUC of the groups, exact; with users as groups "per-user AUC" or GAUC.

    The AUC of a group is the probability that a positive of it is scored above a negative of it,
    equal scores counting half; pairs count by the product of their examples' weights. Groups of
    one class have none and are left out.

    Args:
        group: Name of the feature that says the group of an example.
        name: Name of the metric.
        weighted: Whether a group counts by the weight of its examples (their number, where they
            have no weights), or as one. Default: by weight.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> metric = tfrs_afm.tasks.metrics.GroupedAUC("user_id")
        >>> groups = tf.constant([7, 7, 8, 8], tf.int64)
        >>> metric.update_state([0, 1, 0, 1], [0.1, 0.2, 0.9, 0.8], groups=groups)
        >>> float(metric.result())
        0.5
    """

    def __init__(
        self, group: str, name: str = "grouped_auc", *, weighted: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(group, name, **kwargs)
        self.weighted = weighted

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        positive = ranked.weights * ranked.positive
        negative = ranked.weights - positive
        positives, negatives = ranked.sum(positive), ranked.sum(negative)
        # Negatives below each row, those level with it as a half.
        beaten = tf.gather(negatives, ranked.group) - ranked.better(negative)
        beaten -= ranked.tied(negative) / 2
        pairs = positives * negatives
        auc = tf.math.divide_no_nan(ranked.sum(positive * beaten), pairs)
        sizes = positives + negatives if self.weighted else tf.ones_like(pairs)
        return ranked.mean_of(auc, tf.where(pairs > 0, sizes, tf.zeros_like(sizes)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "weighted": self.weighted}


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class NDCG(TopKMetric):
    """Mean over groups of DCG@k divided by the best possible DCG@k, exact.

        DCG@k = sum over ranks r = 1..k of label / log2(1 + r)
    Equal scores share the mean of their labels, the expectation over all orders of them. Groups
    without a positive have no NDCG and are left out.

    Args:
        group: Name of the feature that says the group of an example.
        k: How many ranks count. Positive.
        name: Name of the metric. Default: "ndcg_at_<k>".

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> metric = tfrs_afm.tasks.metrics.NDCG("user_id", k=10)
        >>> metric.update_state([1, 0], [0.9, 0.1], groups=tf.constant([7, 7], tf.int64))
        >>> metric.name, float(metric.result())
        ('ndcg_at_10', 1.0)
    """

    def __init__(self, group: str, k: int = 10, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(group, k, name or f"ndcg_at_{k}", **kwargs)

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        shared = ranked.tied(ranked.labels) / ranked.tied(tf.ones_like(ranked.labels))
        best = tf.argsort(-ranked.labels, stable=True)
        best = tf.gather(best, tf.argsort(tf.gather(ranked.group, best), stable=True))
        ideal = self._dcg(ranked, tf.gather(ranked.labels, best))
        dcg = self._dcg(ranked, shared)
        return ranked.mean_of(tf.math.divide_no_nan(dcg, ideal), ideal > 0)

    def _dcg(self, ranked: RankedGroups, gains: Tensor) -> Tensor:
        discount = math.log(2) / tf.math.log(ranked.rank + 2)
        return ranked.sum(tf.where(ranked.rank < self.k, gains * discount, tf.zeros_like(gains)))


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class HitRate(TopKMetric):
    """Share of groups that have a positive among their first k, exact; HR@k.

    Where equal scores leave it open, it is the chance over all orders of them. Groups without a
    positive are left out.

    Args:
        group: Name of the feature that says the group of an example.
        k: How many ranks count. Positive.
        name: Name of the metric. Default: "hit_rate_at_<k>".

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> metric = tfrs_afm.tasks.metrics.HitRate("user_id", k=1)
        >>> groups = tf.constant([7, 7, 8, 8], tf.int64)
        >>> metric.update_state([1, 0, 1, 0], [0.9, 0.1, 0.5, 0.5], groups=groups)
        >>> float(metric.result())
        0.75
    """

    def __init__(self, group: str, k: int = 10, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(group, k, name or f"hit_rate_at_{k}", **kwargs)

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        size = ranked.tied(tf.ones_like(ranked.rank))
        hits = ranked.tied(ranked.positive)
        misses = size - hits
        room = tf.clip_by_value(self.k - ranked.above, tf.zeros_like(size), size)
        # None of the tie's first `room` is a positive: C(misses, room) / C(size, room).
        safe = tf.minimum(room, misses)
        log_missed = log_choices(misses, safe) - log_choices(size, safe)
        first = tf.equal(ranked.rank, ranked.above)  # a tie counts once
        missed = tf.exp(ranked.sum(tf.where(first, log_missed, tf.zeros_like(log_missed))))
        surely = ranked.sum(tf.cast(first & (room > misses), tf.float64)) > 0
        found = tf.where(surely, tf.ones_like(missed), 1 - missed)
        return ranked.mean_of(found, ranked.sum(ranked.positive) > 0)


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class MeanAveragePrecision(TopKMetric):
    """Mean over groups of the average precision at k, exact; MAP@k.

        AP@k = sum over ranks r = 1..k that hold a positive of precision@r / min(positives, k)
    the mean over all orders of equal scores. Groups without a positive are left out.

    Args:
        group: Name of the feature that says the group of an example.
        k: How many ranks count. Positive.
        name: Name of the metric. Default: "map_at_<k>".

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> metric = tfrs_afm.tasks.metrics.MeanAveragePrecision("user_id", k=10)
        >>> groups = tf.constant([7, 7, 7, 7], tf.int64)
        >>> metric.update_state([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6], groups=groups)
        >>> round(float(metric.result()), 4)
        0.8333
    """

    def __init__(self, group: str, k: int = 10, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(group, k, name or f"map_at_{k}", **kwargs)

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        size = ranked.tied(tf.ones_like(ranked.rank))
        hits = ranked.tied(ranked.positive)
        # A positive at this place has this many others of its tie before it, in the mean.
        others = tf.maximum(hits - 1, 0) / tf.maximum(size - 1, 1)
        before = ranked.better(ranked.positive) + (ranked.rank - ranked.above) * others
        gains = hits / size * (before + 1) / (ranked.rank + 1)
        gains = tf.where(ranked.rank < self.k, gains, tf.zeros_like(gains))
        positives = ranked.sum(ranked.positive)
        best = tf.minimum(positives, tf.cast(self.k, tf.float64))
        average = tf.math.divide_no_nan(ranked.sum(gains), best)
        return ranked.mean_of(average, positives > 0)


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class MeanReciprocalRank(GroupedMetric):
    """Mean over groups of one over the rank of the first positive, exact; MRR.

    Of equal scores it is the mean over all their orders. Groups without a positive are left out.

    Args:
        group: Name of the feature that says the group of an example.
        name: Name of the metric.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> metric = tfrs_afm.tasks.metrics.MeanReciprocalRank("user_id")
        >>> metric.update_state([1, 0], [0.1, 0.9], groups=tf.constant([7, 7], tf.int64))
        >>> float(metric.result())
        0.5
    """

    def __init__(self, group: str, name: str = "mrr", **kwargs: Any) -> None:
        super().__init__(group, name, **kwargs)

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        size = ranked.tied(tf.ones_like(ranked.rank))
        hits = ranked.tied(ranked.positive)
        place = ranked.rank - ranked.above
        # The chance that the tie's first positive is here: C(size - place - 1, hits - 1) of the
        # C(size, hits) ways to place its positives.
        possible = (hits > 0) & (place <= size - hits)
        possible &= tf.equal(ranked.better(ranked.positive), 0)
        left = tf.where(possible, size - place - 1, tf.zeros_like(size))
        others = tf.where(possible, hits - 1, tf.zeros_like(hits))
        chance = tf.exp(log_choices(left, others) - log_choices(size, hits))
        found = tf.where(possible, chance / (ranked.rank + 1), tf.zeros_like(chance))
        return ranked.mean_of(ranked.sum(found), ranked.sum(ranked.positive) > 0)
