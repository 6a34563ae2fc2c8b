"""What the metrics of groups have in common."""

from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.metrics.ranked_groups import RankedGroups


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
