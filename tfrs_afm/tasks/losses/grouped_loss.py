"""What the losses of groups have in common."""

from typing import Any

import tensorflow as tf


class GroupedLoss(tf.keras.losses.Loss):
    """A loss of the ranking inside each group of a batch; abstract.

    Only examples of one batch are compared, so put a group into one batch as far as possible, for
    example by sorting or batching by user.

    Args:
        group: Name of the feature that says the group of an example, for example "user_id".
        name: Name of the loss.
    """

    def __init__(self, group: str, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.group = group

    def call(self, labels: Any, logits: Any) -> Any:
        """Computes `(batch,)` losses of a batch that is one group."""
        logits = tf.convert_to_tensor(logits)
        return self.of_groups(labels, logits, tf.zeros([tf.size(logits)], tf.int64))

    def of_groups(self, labels: Any, logits: Any, groups: Any) -> Any:
        """Computes each example's share of the loss.

        Args:
            labels: `(batch,)` or `(batch, 1)`.
            logits: `(batch,)` or `(batch, 1)`.
            groups: `(batch,)` int64.

        Returns:
            `(batch,)`.
        """
        raise NotImplementedError

    def predictions(self, logits: Any) -> Any:
        """Returns the logits: a ranking needs no scale."""
        return logits

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "group": self.group}
