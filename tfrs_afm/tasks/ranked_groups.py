"""Groups of examples: whose each one is, and its examples by falling score."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.types import Tensor


class RankedGroups(NamedTuple):
    """Examples sorted by group and falling score, with the runs of equal scores.

    A metric of a ranking is the mean over all orders of examples with equal scores: a model that
    cannot tell a positive from a negative gets what chance gets, and the order in which examples
    come does not matter.

    Attributes:
        labels: `(rows,)` float64.
        weights: `(rows,)` float64, positive.
        group: `(rows,)` int32, 0 to `num_groups - 1`, not falling.
        rank: `(rows,)` float64, the place inside the group from 0.
        tie: `(rows,)` int32, which run of equal scores inside a group, from 0 and not falling.
        above: `(rows,)` float64, the rank of the first row of the tie.
        num_groups: `()` int32.
        num_ties: `()` int32.
    """

    labels: Any
    weights: Any
    group: Any
    rank: Any
    tie: Any
    above: Any
    num_groups: Any
    num_ties: Any

    @classmethod
    def of(cls, ids: Tensor, labels: Tensor, scores: Tensor, weights: Tensor) -> "RankedGroups":
        """Sorts examples.

        Args:
            ids: `(rows,)` int64 groups.
            labels: `(rows,)` floats.
            scores: `(rows,)` floats.
            weights: `(rows,)` floats, positive.

        Returns:
            The same examples, sorted.
        """
        _, group = tf.unique(ids)
        order = tf.argsort(-scores, stable=True)
        order = tf.gather(order, tf.argsort(tf.gather(group, order), stable=True))
        group, scores = tf.gather(group, order), tf.gather(scores, order)
        num_groups = tf.reduce_max(tf.concat([group, [-1]], axis=0)) + 1
        sizes = tf.math.bincount(group, minlength=num_groups, maxlength=num_groups)
        starts = tf.cumsum(sizes, exclusive=True)
        rank = tf.range(tf.size(group)) - tf.gather(starts, group)
        new = (group[1:] != group[:-1]) | (scores[1:] != scores[:-1])
        tie = tf.concat([tf.zeros_like(group[:1]), tf.cumsum(tf.cast(new, tf.int32))], axis=0)
        num_ties = tf.reduce_max(tf.concat([tie, [-1]], axis=0)) + 1
        above = tf.gather(tf.math.unsorted_segment_min(rank, tie, num_ties), tie)
        return cls(
            tf.cast(tf.gather(labels, order), tf.float64),
            tf.cast(tf.gather(weights, order), tf.float64),
            group,
            tf.cast(rank, tf.float64),
            tie,
            tf.cast(above, tf.float64),
            num_groups,
            num_ties,
        )

    @property
    def positive(self) -> Tensor:
        """`(rows,)` float64, 1 for a label above 0."""
        return tf.cast(self.labels > 0, tf.float64)

    def sum(self, values: Tensor) -> Tensor:
        """Adds up `(rows,)` values in each group: `(num_groups,)`."""
        return tf.math.unsorted_segment_sum(values, self.group, self.num_groups)

    def tied(self, values: Tensor) -> Tensor:
        """Adds up `(rows,)` values in each tie, for every row of it: `(rows,)`."""
        return tf.gather(tf.math.unsorted_segment_sum(values, self.tie, self.num_ties), self.tie)

    def better(self, values: Tensor) -> Tensor:
        """Adds up `(rows,)` values, not negative, of the group's rows above each tie: `(rows,)`."""
        before = tf.cumsum(values, exclusive=True)
        # The running sum never falls, so the least of a tie is that of its first row.
        before = tf.gather(tf.math.unsorted_segment_min(before, self.tie, self.num_ties), self.tie)
        return before - tf.gather(tf.cumsum(self.sum(values), exclusive=True), self.group)

    def mean_of(self, values: Tensor, which: Tensor) -> Tensor:
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


def log_choices(n: Tensor, k: Any) -> Tensor:
    """Returns the logarithm of the number of ways to choose k of n; k is at most n."""
    return tf.math.lgamma(n + 1) - tf.math.lgamma(k + 1) - tf.math.lgamma(n - k + 1)


def group_ids(features: Mapping[str, Any] | None, group: str) -> Tensor:
    """Reads the group of each example from a feature.

    Args:
        features: Raw features by name.
        group: Name of the feature: one integer or string an example.

    Returns:
        `(batch,)` int64; strings as fingerprints.

    Raises:
        ValueError: If there is no such feature, or it holds floats.

    Example:
        >>> group_ids({"user": tf.constant([[7], [9]])}, "user").numpy().tolist()
        [7, 9]
    """
    if features is None or group not in features:
        raise ValueError(
            f"`group` must name a feature of the batch. Received: group={group!r}. "
            f"Choose one of {sorted(features or {})}, or pass `features` to the task."
        )
    ids = features[group]
    if isinstance(ids, tf.SparseTensor):
        ids = tf.sparse.to_dense(ids)
    elif isinstance(ids, tf.RaggedTensor):
        ids = ids.to_tensor()
    ids = tf.reshape(ids, [-1])  # (batch,)
    if ids.dtype == tf.string:
        return tf.strings.to_hash_bucket_fast(ids, 2**63 - 1)
    if not ids.dtype.is_integer:
        raise ValueError(
            f"`group` must name a feature of integers or strings. Received: group={group!r} of "
            f"{ids.dtype.name}. Use an id, for example the user's."
        )
    return tf.cast(ids, tf.int64)
