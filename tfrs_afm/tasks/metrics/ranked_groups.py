"""Examples in the order of their scores, group by group."""

from typing import Any, NamedTuple

import tensorflow as tf


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
