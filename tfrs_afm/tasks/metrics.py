"""Keras metrics of rankings inside groups, for example of what each user is shown."""

import math
from typing import Any, NamedTuple

import tensorflow as tf

__all__ = [
    "NDCG",
    "GroupedAUC",
    "GroupedMetric",
    "HitRate",
    "MeanAveragePrecision",
    "MeanReciprocalRank",
]


class RankedGroups(NamedTuple):
    """Examples sorted by group and falling score; of equal scores the smaller label is first.

    So a model that cannot tell a positive from a negative is not rewarded for the order in which
    they happen to come.

    Attributes:
        labels: `(rows,)` float64.
        scores: `(rows,)`.
        group: `(rows,)` int32, 0 to `num_groups - 1`, not falling.
        rank: `(rows,)` int32, the place inside the group from 0.
        num_groups: `()` int32.
    """

    labels: Any
    scores: Any
    group: Any
    rank: Any
    num_groups: Any

    @classmethod
    def of(cls, ids: Any, labels: Any, scores: Any) -> "RankedGroups":
        """Sorts examples.

        Args:
            ids: `(rows,)` int64 groups.
            labels: `(rows,)` floats.
            scores: `(rows,)` floats.

        Returns:
            The same examples, sorted.
        """
        _, group = tf.unique(ids)
        order = tf.argsort(labels, stable=True)
        order = tf.gather(order, tf.argsort(-tf.gather(scores, order), stable=True))
        order = tf.gather(order, tf.argsort(tf.gather(group, order), stable=True))
        group = tf.gather(group, order)
        num_groups = tf.reduce_max(tf.concat([group, [-1]], axis=0)) + 1
        sizes = tf.math.bincount(group, minlength=num_groups, maxlength=num_groups)
        starts = tf.cumsum(sizes, exclusive=True)
        rank = tf.range(tf.size(group)) - tf.gather(starts, group)
        labels = tf.cast(tf.gather(labels, order), tf.float64)
        return cls(labels, tf.gather(scores, order), group, rank, num_groups)

    def sum(self, values: Any) -> Any:
        """Adds up `(rows,)` values in each group: `(num_groups,)`."""
        return tf.math.unsorted_segment_sum(values, self.group, self.num_groups)

    def mean_of(self, values: Any, which: Any) -> Any:
        """Averages `(num_groups,)` values over some groups; 0 without any.

        Args:
            values: `(num_groups,)` float64.
            which: `(num_groups,)` bool or non-negative weights.

        Returns:
            `()` float32.
        """
        share = tf.cast(which, tf.float64)
        mean = tf.math.divide_no_nan(tf.reduce_sum(values * share), tf.reduce_sum(share))
        return tf.cast(mean, tf.float32)

    def ties(self) -> tuple[Any, Any]:
        """Numbers the runs of equal scores inside groups: `(rows,)` from 0, and their count."""
        new = (self.group[1:] != self.group[:-1]) | (self.scores[1:] != self.scores[:-1])
        start = tf.zeros_like(self.group[:1])
        tie = tf.concat([start, tf.cumsum(tf.cast(new, tf.int32))], axis=0)
        return tie, tf.reduce_max(tf.concat([tie, [-1]], axis=0)) + 1


class GroupedMetric(tf.keras.metrics.Metric):
    """A metric of the ranking inside each group, over all batches; abstract.

    It keeps group, label and score of every example, because nothing less gives the exact value
    when a group is spread over batches: 20 bytes an example. `fit` and `evaluate` of the ready
    models therefore gather it in evaluation only, and compute it once at the end.

    Args:
        group: Name of the feature that says the group of an example, for example "user_id".
        name: Name of the metric.
    """

    def __init__(self, group: str, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.group = group
        self._ids, self._labels, self._scores = (
            tf.Variable(
                tf.zeros([0], dtype),
                shape=[None],
                trainable=False,
                name=part,
                # Each replica gathers the rows of all, so that any one knows everything.
                synchronization=tf.VariableSynchronization.ON_READ,
                aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
            )
            for part, dtype in (("ids", tf.int64), ("labels", tf.float32), ("scores", tf.float32))
        )

    def update_state(
        self, labels: Any, predictions: Any, sample_weight: Any = None, *, groups: Any
    ) -> None:
        """Takes in a batch.

        Args:
            labels: `(batch,)` or `(batch, 1)`; above 0 is positive.
            predictions: `(batch,)` or `(batch, 1)`; only their order inside a group counts.
            sample_weight: Examples of weight 0 are left out; other weights do not matter.
            groups: `(batch,)` int64.
        """
        rows = [
            groups,
            tf.cast(tf.reshape(labels, [-1]), tf.float32),
            tf.cast(tf.reshape(predictions, [-1]), tf.float32),
        ]
        if sample_weight is not None:
            counted = tf.reshape(sample_weight, [-1]) != 0
            rows = [tf.boolean_mask(row, counted) for row in rows]
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            context = tf.distribute.get_replica_context()
            rows = [context.all_gather(row, axis=0) for row in rows]
        for kept, row in zip((self._ids, self._labels, self._scores), rows, strict=True):
            kept.assign(tf.concat([kept, row], axis=0))

    def merge_state(self, metrics: Any) -> None:
        """Takes in what other metrics of the same kind have seen."""
        for metric in metrics:
            self.update_state(metric._labels, metric._scores, groups=metric._ids)

    def result(self) -> Any:
        """Returns the metric of everything seen since the last reset, `()` float32."""
        return self.of(RankedGroups.of(self._ids, self._labels, self._scores))

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forgets everything seen."""
        for kept in (self._ids, self._labels, self._scores):
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
    equal scores counting half. Groups of one class have none and are left out.

    Args:
        group: Name of the feature that says the group of an example.
        name: Name of the metric.
        weighted: Whether a group counts by its number of examples, or as one. Default: by number.

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
        positive = tf.cast(ranked.labels > 0, tf.float64)
        negative = 1 - positive
        positives, negatives = ranked.sum(positive), ranked.sum(negative)
        tie, num_ties = ranked.ties()
        tied = tf.gather(tf.math.unsorted_segment_sum(negative, tie, num_ties), tie)
        # Negatives of the whole sorted list up to and with the tie, less those of earlier groups.
        through = tf.math.unsorted_segment_max(tf.cumsum(negative), tie, num_ties)
        before = tf.cumsum(negatives, exclusive=True)
        above = tf.gather(through, tie) - tf.gather(before, ranked.group)
        beaten = tf.gather(negatives, ranked.group) - above + 0.5 * tied
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
        tie, num_ties = ranked.ties()
        shared = tf.math.unsorted_segment_mean(ranked.labels, tie, num_ties)
        best = tf.argsort(-ranked.labels, stable=True)
        best = tf.gather(best, tf.argsort(tf.gather(ranked.group, best), stable=True))
        ideal = self._dcg(ranked, tf.gather(ranked.labels, best))
        dcg = self._dcg(ranked, tf.gather(shared, tie))
        return ranked.mean_of(tf.math.divide_no_nan(dcg, ideal), ideal > 0)

    def _dcg(self, ranked: RankedGroups, gains: Any) -> Any:
        discount = math.log(2) / tf.math.log(tf.cast(ranked.rank, tf.float64) + 2)
        return ranked.sum(tf.where(ranked.rank < self.k, gains * discount, tf.zeros_like(gains)))


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class HitRate(TopKMetric):
    """Share of groups that have a positive among their first k, exact; HR@k.

    Of equal scores negatives come first. Groups without a positive are left out.

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
        0.5
    """

    def __init__(self, group: str, k: int = 10, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(group, k, name or f"hit_rate_at_{k}", **kwargs)

    def of(self, ranked: RankedGroups) -> Any:
        """Computes the metric of ranked groups, `()` float32."""
        positive = tf.cast(ranked.labels > 0, tf.float64)
        hits = ranked.sum(tf.where(ranked.rank < self.k, positive, tf.zeros_like(positive)))
        return ranked.mean_of(tf.cast(hits > 0, tf.float64), ranked.sum(positive) > 0)


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class MeanAveragePrecision(TopKMetric):
    """Mean over groups of the average precision at k, exact; MAP@k.

        AP@k = sum over ranks r = 1..k that hold a positive of precision@r / min(positives, k)
    Of equal scores negatives come first. Groups without a positive are left out.

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
        positive = tf.cast(ranked.labels > 0, tf.float64)
        positives = ranked.sum(positive)
        before = tf.gather(tf.cumsum(positives, exclusive=True), ranked.group)
        precision = (tf.cumsum(positive) - before) / (tf.cast(ranked.rank, tf.float64) + 1)
        found = tf.where(ranked.rank < self.k, positive * precision, tf.zeros_like(precision))
        best = tf.minimum(positives, tf.cast(self.k, tf.float64))
        average = tf.math.divide_no_nan(ranked.sum(found), best)
        return ranked.mean_of(average, positives > 0)


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class MeanReciprocalRank(GroupedMetric):
    """Mean over groups of one over the rank of the first positive, exact; MRR.

    Of equal scores negatives come first. Groups without a positive are left out.

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
        positive = ranked.labels > 0
        reciprocal = 1 / (tf.cast(ranked.rank, tf.float64) + 1)
        first = tf.math.unsorted_segment_max(
            tf.where(positive, reciprocal, tf.zeros_like(reciprocal)),
            ranked.group,
            ranked.num_groups,
        )
        return ranked.mean_of(first, ranked.sum(tf.cast(positive, tf.float64)) > 0)
