"""Losses beside cross-entropy: of rankings inside groups, of clipped ratings, of two branches."""

from typing import Any

import tensorflow as tf

from tfrs_afm.tasks.arguments import checked_loss, takes_logits
from tfrs_afm.types import Loss, Tensor

__all__ = ["Branches", "ClippedSquaredError", "GroupedLoss", "ListwiseSoftmax", "PairwiseLogistic"]


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

    def call(self, labels: Tensor, logits: Tensor) -> Tensor:
        """Computes `(batch,)` losses of a batch that is one group."""
        logits = tf.convert_to_tensor(logits)
        return self.of_groups(labels, logits, tf.zeros([tf.size(logits)], tf.int64))

    def of_groups(self, labels: Tensor, logits: Tensor, groups: Tensor) -> Tensor:
        """Computes each example's share of the loss.

        Args:
            labels: `(batch,)` or `(batch, 1)`.
            logits: `(batch,)` or `(batch, 1)`.
            groups: `(batch,)` int64.

        Returns:
            `(batch,)`.
        """
        raise NotImplementedError

    def predictions(self, logits: Tensor) -> Tensor:
        """Returns the logits: a ranking needs no scale."""
        return logits

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "group": self.group}


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class ListwiseSoftmax(GroupedLoss):
    """Asks that the softmax over a group gives its mass to the positives.

        loss_i = -(y_i / sum of y over the group) log softmax over the group (s)_i
    A group without a positive has loss 0; labels are gains, not negative.
    Reference: Cao et al. 2007, "Learning to Rank: From Pairwise Approach to Listwise Approach".

    Args:
        group: Name of the feature that says the group of an example.
        name: Name of the loss.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> loss = tfrs_afm.tasks.losses.ListwiseSoftmax("user_id")
        >>> groups = tf.constant([7, 7, 8], tf.int64)
        >>> loss.of_groups([1.0, 0.0, 0.0], tf.zeros([3]), groups).numpy().round(4).tolist()
        [0.6930999755859375, 0.0, 0.0]
    """

    def __init__(self, group: str, name: str = "listwise_softmax", **kwargs: Any) -> None:
        super().__init__(group, name, **kwargs)

    def of_groups(self, labels: Tensor, logits: Tensor, groups: Tensor) -> Tensor:
        """Computes each example's share of the loss; see the class."""
        scores = tf.reshape(logits, [-1])
        gains = tf.cast(tf.reshape(labels, [-1]), scores.dtype)
        distinct, place = tf.unique(groups)
        count = tf.size(distinct)
        top = tf.stop_gradient(tf.math.unsorted_segment_max(scores, place, count))
        shifted = scores - tf.gather(top, place)
        sums = tf.math.unsorted_segment_sum(tf.exp(shifted), place, count)
        total = tf.math.unsorted_segment_sum(gains, place, count)
        share = tf.math.divide_no_nan(gains, tf.gather(total, place))
        return share * (tf.gather(tf.math.log(sums), place) - shifted)


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class PairwiseLogistic(GroupedLoss):
    """Asks that an example is scored above those of its group with a smaller label.

        loss_i = mean over j of the group of i with y_j < y_i of log(1 + exp(s_j - s_i))
    An example with nothing below it has loss 0. Compares all pairs of a batch: memory grows with
    the square of the batch, 4 bytes a pair.
    Reference: Burges et al. 2005, "Learning to Rank using Gradient Descent".

    Args:
        group: Name of the feature that says the group of an example.
        name: Name of the loss.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> loss = tfrs_afm.tasks.losses.PairwiseLogistic("user_id")
        >>> groups = tf.constant([7, 7, 8], tf.int64)
        >>> loss.of_groups([1.0, 0.0, 0.0], tf.zeros([3]), groups).numpy().round(4).tolist()
        [0.6930999755859375, 0.0, 0.0]
    """

    def __init__(self, group: str, name: str = "pairwise_logistic", **kwargs: Any) -> None:
        super().__init__(group, name, **kwargs)

    def of_groups(self, labels: Tensor, logits: Tensor, groups: Tensor) -> Tensor:
        """Computes each example's share of the loss; see the class."""
        scores = tf.reshape(logits, [-1])
        labels = tf.cast(tf.reshape(labels, [-1]), scores.dtype)
        below = (labels[:, tf.newaxis] > labels) & (groups[:, tf.newaxis] == groups)
        below = tf.cast(below, scores.dtype)  # (batch, batch)
        losses = tf.nn.softplus(scores - scores[:, tf.newaxis]) * below
        return tf.math.divide_no_nan(tf.reduce_sum(losses, axis=1), tf.reduce_sum(below, axis=1))


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class ClippedSquaredError(tf.keras.losses.Loss):
    """Squared error for ratings; predictions are clipped to the bounds that ratings have.

        loss = scale (y - logit)^2,    prediction = min(max(logit, low), high)
    The gradient is of the unclipped logit, so an example beyond a bound still learns; metrics and
    served scores see the clipped prediction, as the authors of AFM evaluate theirs.

    Args:
        low: The smallest rating.
        high: The largest rating.
        scale: Factor of the loss; 0.5 is the authors' convention.
        name: Name of the loss.

    Raises:
        ValueError: If `low` is not below `high`.

    Example:
        >>> import tfrs_afm
        >>> loss = tfrs_afm.tasks.losses.ClippedSquaredError(1.0, 5.0)
        >>> float(loss([[4.0]], [[6.0]])), loss.predictions([[6.0]]).numpy().tolist()
        (4.0, [[5.0]])
    """

    def __init__(
        self,
        low: float,
        high: float,
        scale: float = 1.0,
        name: str = "clipped_squared_error",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if low >= high:
            raise ValueError(
                f"`low` must be below `high`. Received: low={low}, high={high}. "
                "Pass the bounds of the ratings, for example 1 and 5."
            )
        self.low, self.high, self.scale = low, high, scale

    def call(self, labels: Tensor, logits: Tensor) -> Tensor:
        """Computes `(batch,)` losses."""
        logits = tf.convert_to_tensor(logits)
        return self.scale * tf.reduce_mean(tf.square(tf.cast(labels, logits.dtype) - logits), -1)

    def predictions(self, logits: Tensor) -> Tensor:
        """Clips logits to the bounds."""
        return tf.clip_by_value(logits, self.low, self.high)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        own = {"low": self.low, "high": self.high, "scale": self.scale}
        return {**super().get_config(), **own}


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class Branches(tf.keras.losses.Loss):
    """Has pairs and tower learn apart as well as together.

    The logit is the mean of two branch logits, y = (y_1 + y_2) / 2: those of the pairs with the
    linear terms, and of the deep tower. A sum lets one branch learn what the other leaves over, and
    neither is good alone; here each has a loss of its own, in training only:
        "mean":  l(y, label) + sum_k l(y_k, stopped prediction of y)
        "label": l(y, label) + sum_k w_k l(y_k, label),  w_k = max(0, mean l(y_k) - mean l(y))
    with means over the examples of the batch that count. w_k is a number to the gradient: a branch
    that is as good as both together is left alone.
    References: "mean", Zhu et al. 2023, "FINAL: Factorized Interaction Layer for CTR Prediction",
    https://doi.org/10.1145/3539618.3591988; "label", the Tri-BCE loss of Li et al. 2024,
    https://arxiv.org/abs/2407.13349.

    Args:
        loss: Keras loss of labels and logits, but none of groups. Default: binary cross-entropy
            from logits.
        teacher: "mean" or "label".
        name: Name of the loss.

    Raises:
        ValueError: If the loss compares examples of a group, or there is no such teacher.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> parts, tasks = tfrs_afm.interactions, tfrs_afm.tasks
        >>> task = tasks.DeepFM([8], loss=tasks.losses.Branches())
        >>> vectors = tf.zeros([2, 3, 4])
        >>> task.logits(vectors).shape, task.logits(vectors, training=True).shape
        (TensorShape([2, 1]), TensorShape([2, 2]))
        >>> round(float(task([0.0, 1.0], vectors, training=True)), 4)  # 3 log 2
        2.0794
    """

    def __init__(
        self, loss: Loss | None = None, teacher: str = "mean", name: str = "branches", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        if teacher not in ("mean", "label"):
            raise ValueError(
                f'`teacher` must be "mean" or "label". Received: teacher={teacher!r}. Take "mean".'
            )
        if loss is None:
            loss = tf.keras.losses.BinaryCrossentropy(from_logits=True)
        self.loss, self.teacher = checked_loss(loss), teacher
        if isinstance(self.loss, GroupedLoss):
            raise ValueError(
                f"`loss` must be of one example each. Received: loss={type(self.loss).__name__}, "
                "which compares those of a group. Take it without branches."
            )
        self.from_logits = takes_logits(self.loss)

    @staticmethod
    def mean(logits: Tensor) -> Tensor:
        """Returns the logit, `(batch, 1)`, of branches `(batch, 2)`; of itself, itself."""
        return tf.reduce_mean(logits, axis=-1, keepdims=True)

    def call(self, labels: Tensor, logits: Tensor) -> Tensor:
        """Computes `(batch,)` losses of branch logits `(batch, 2)`, or of logits `(batch, 1)`."""
        return self.of_counted(labels, logits)

    def of_counted(self, labels: Tensor, logits: Tensor, counts: Tensor | None = None) -> Tensor:
        """Computes the losses where some examples do not count.

        Args:
            labels: `(batch, 1)`.
            logits: `(batch, 2)` of branches, or `(batch, 1)`.
            counts: `(batch,)` bool, False for an example of weight 0. Default: all count.

        Returns:
            `(batch,)`.
        """
        logits = tf.convert_to_tensor(logits)
        together = self.mean(logits)
        total = joint = self.loss.call(labels, together)
        if logits.shape[-1] == 1:
            return joint
        for branch in tf.split(logits, 2, axis=-1):
            if self.teacher == "mean":
                target = tf.sigmoid(together) if self.from_logits else together
                total += self.loss.call(tf.stop_gradient(target), branch)
                continue
            own = self.loss.call(labels, branch)
            excess = own - joint if counts is None else tf.boolean_mask(own - joint, counts)
            size = tf.cast(tf.size(excess), excess.dtype)
            weight = tf.nn.relu(tf.math.divide_no_nan(tf.reduce_sum(excess), size))
            total += tf.stop_gradient(weight) * own
        return total

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        loss = tf.keras.losses.serialize(self.loss)
        return {**super().get_config(), "loss": loss, "teacher": self.teacher}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Branches":
        """Makes the loss that `get_config` described."""
        return cls(**{**config, "loss": tf.keras.losses.deserialize(config["loss"])})
