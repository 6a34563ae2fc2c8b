"""Maps from a model's logits to the log-odds that the labels have, fitted after training.

Both rise strictly, so that no order, and but for rounding no AUC, changes; both are numbers in the
model's configuration and stock operations in its graph.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike, NDArray

from tfrs_afm.types import KerasLayer, Tensor

__all__ = ["Isotonic", "Scaling"]


@tf.keras.utils.register_keras_serializable(package="tfrs_afm", name="ScalingCalibration")
class Scaling(KerasLayer):
    """Multiplies logits and adds to them.

        log-odds = scale logit + shift
    With scale 1 it undoes what made-up negatives or class weights did to the odds: they were
    multiplied by a known number, whose logarithm is minus the shift. Fitted, 1 / scale is the
    temperature, and the shift makes the mean prediction the base rate (Platt scaling).
    References: King and Zeng 2001, "Logistic Regression in Rare Events Data", section 4; Platt
    1999, "Probabilistic Outputs for Support Vector Machines"; Guo et al. 2017,
    https://arxiv.org/abs/1706.04599.

    Args:
        scale: Positive.
        shift: Any number.

    Call arguments:
        logits: `(batch, 1)` floats, or of any shape.

    Output shape: that of the logits.

    Raises:
        ValueError: If a number is not finite, or the scale would turn the order round.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> tfrs_afm.tasks.calibration.Scaling(0.5, 1.0)(tf.constant([[2.0]])).numpy().tolist()
        [[2.0]]
    """

    def __init__(self, scale: float = 1.0, shift: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})  # whatever the model computes in
        if not 0 < scale < np.inf or not np.isfinite(shift):
            raise ValueError(
                "`scale` must be positive and finite, and `shift` finite. Received: "
                f"scale={scale}, shift={shift}. Fit them on labels of both classes."
            )
        self.scale, self.shift = float(scale), float(shift)

    @classmethod
    def fit(
        cls, labels: ArrayLike, logits: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> "Scaling":
        """Finds scale and shift of the greatest likelihood, by Newton's method.

        Labels are drawn in by one example of each class, as Platt does, so that logits that
        separate the classes have a finite scale. Where the scale would not be positive (the logits
        order the labels worse than chance) it stays 1, and the shift alone is fitted.

        Args:
            labels: `(examples,)`, 0 or 1, of examples that the model was not trained on.
            logits: `(examples,)`.
            sample_weight: `(examples,)`. Default: ones.

        Returns:
            The layer.

        Raises:
            ValueError: If there are not labels of both classes, or a logit is not finite.
        """
        label, logit, weight = _checked(labels, logits, sample_weight)
        positives, negatives = (float(weight[label == one].sum()) for one in (1, 0))
        target = np.where(label == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
        inputs = np.stack([logit, np.ones_like(logit)], axis=1)
        scale, shift = _most_likely(inputs, target, weight)
        if scale <= 0:
            (shift,) = _most_likely(inputs[:, 1:], target, weight, logit)
            scale = 1.0
        return cls(scale, shift)

    def call(self, logits: Tensor) -> Tensor:
        """Maps a batch; see the class."""
        return tf.convert_to_tensor(logits) * self.scale + self.shift

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "scale": self.scale, "shift": self.shift}


@tf.keras.utils.register_keras_serializable(package="tfrs_afm", name="IsotonicCalibration")
class Isotonic(KerasLayer):
    """Maps logits along a rising line of straight pieces.

        log-odds = values_k + (values_k+1 - values_k) (logit - knots_k) / (knots_k+1 - knots_k)
    for a logit between two knots; beyond the outer ones the line goes on with slope 1. The usual
    isotonic map is flat on each of its steps, and so ties examples that the model told apart; this
    one joins the middles of the steps, and ties none.
    References: Zadrozny and Elkan 2002, "Transforming Classifier Scores into Accurate Multiclass
    Probability Estimates"; Oron and Flournoy 2017, "Centered Isotonic Regression".

    Args:
        knots: Logits, ascending. At least one.
        values: The log-odds at each knot, ascending.

    Call arguments:
        logits: `(batch, 1)` floats, or of any shape.

    Output shape: that of the logits.

    Raises:
        ValueError: If knots and values are not as many, or one of them does not rise.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> line = tfrs_afm.tasks.calibration.Isotonic([0.0, 2.0], [-1.0, 0.0])
        >>> line(tf.constant([[-1.0], [1.0], [2.5]])).numpy().tolist()
        [[-2.0], [-0.5], [0.5]]
    """

    def __init__(self, knots: Sequence[float], values: Sequence[float], **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})  # whatever the model computes in
        self.knots, self.values = [float(one) for one in knots], [float(one) for one in values]
        rising = all((np.diff(some) > 0).all() for some in (self.knots, self.values))
        finite = np.isfinite([*self.knots, *self.values]).all()
        if not self.knots or len(self.knots) != len(self.values) or not rising or not finite:
            raise ValueError(
                "`knots` and `values` must be as many, finite, and each ascending. Received: "
                f"knots={self.knots}, values={self.values}. Take those of `Isotonic.fit`."
            )

    @classmethod
    def fit(
        cls, labels: ArrayLike, logits: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> "Isotonic":
        """Fits by pooling adjacent violators, then moves the line so that the mean is the rate.

        Steps of positives or of negatives alone, at the ends, are drawn in by half an example.

        Args:
            labels: `(examples,)`, 0 or 1, of examples that the model was not trained on.
            logits: `(examples,)`.
            sample_weight: `(examples,)`. Default: ones.

        Returns:
            The layer.

        Raises:
            ValueError: If there are not labels of both classes, or a logit is not finite.
        """
        label, logit, weight = _checked(labels, logits, sample_weight)
        knots, rates, sizes = _steps(label, logit, weight)
        above = rates[1] if len(rates) > 1 else 1.0
        rates[0] = max(rates[0], min(0.5 / (sizes[0] + 1), above / 2))
        below = rates[-2] if len(rates) > 1 else 0.0
        rates[-1] = min(rates[-1], 1 - min(0.5 / (sizes[-1] + 1), (1 - below) / 2))
        values = np.log(rates) - np.log1p(-rates)
        mapped = np.interp(logit, knots, values)
        mapped += np.minimum(logit - knots[0], 0) + np.maximum(logit - knots[-1], 0)
        rate = np.average(label, weights=weight)
        (move,) = _most_likely(np.ones([label.size, 1]), np.full(label.size, rate), weight, mapped)
        return cls(knots.tolist(), (values + move).tolist())

    def call(self, logits: Tensor) -> Tensor:
        """Maps a batch; see the class."""
        logits = tf.convert_to_tensor(logits)
        knots, values = np.asarray(self.knots), np.asarray(self.values)
        slopes = np.concatenate([[1.0], np.diff(values) / np.diff(knots), [1.0]])
        starts = np.concatenate([[0], np.arange(len(knots))])
        flat = tf.reshape(logits, [-1])
        piece = tf.searchsorted(tf.constant(knots, flat.dtype), flat, side="right")
        slope, knot, value = (
            tf.gather(tf.constant(one, flat.dtype), piece)
            for one in (slopes, knots[starts], values[starts])
        )
        return tf.reshape(value + slope * (flat - knot), tf.shape(logits))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "knots": self.knots, "values": self.values}


_Array = NDArray[np.float64]


def _checked(labels: Any, logits: Any, weights: Any) -> tuple[_Array, _Array, _Array]:
    """The examples that weigh something, in float64, with weights of mean 1."""
    label, logit = (np.asarray(one, np.float64).ravel() for one in (labels, logits))
    weight = np.ones_like(label) if weights is None else np.asarray(weights, np.float64).ravel()
    counts = weight != 0
    label, logit, weight = label[counts], logit[counts], weight[counts]
    if not np.isfinite(logit).all():
        raise ValueError(
            f"`logits` must be finite. Received: logits={logit[~np.isfinite(logit)][0]}. "
            "Look at the training loss."
        )
    if set(np.unique(label)) != {0.0, 1.0}:
        raise ValueError(
            "`labels` must be 0 and 1, and hold both. Received: labels="
            f"{np.unique(label)[:5].tolist()}. Fit on a larger split."
        )
    return label, logit, weight / weight.mean()


def _most_likely(
    inputs: _Array, targets: _Array, weights: _Array, offset: _Array | float = 0.0
) -> list[float]:
    """Logistic regression of probabilities on few inputs."""

    def loss(chosen: _Array) -> float:
        logits = inputs @ chosen + offset
        return float(weights @ (np.logaddexp(0.0, logits) - targets * logits))

    chosen = np.zeros(inputs.shape[1])
    for _ in range(100):
        probability = 0.5 * (1 + np.tanh((inputs @ chosen + offset) / 2))
        gradient = inputs.T @ (weights * (probability - targets))
        curvature = inputs.T * (weights * probability * (1 - probability)) @ inputs
        # Logits that hardly differ leave a direction without curvature.
        step = np.linalg.solve(curvature + 1e-9 * np.eye(len(chosen)), gradient)
        while loss(chosen - step) > loss(chosen) and np.abs(step).max() > 1e-12:
            step = step / 2
        chosen = chosen - step
        if np.abs(step).max() < 1e-10:
            break
    return [float(one) for one in chosen]


_CLOSEST = 1e-3  # of two knots; a slope over less would be one of rounding


def _steps(label: _Array, logit: _Array, weight: _Array) -> tuple[_Array, _Array, _Array]:
    """The steps of isotonic regression: mean logit, rate of positives, weight; all but it rise."""
    distinct, place = np.unique(logit, return_inverse=True)
    sizes = np.bincount(place, weight)
    sums = np.bincount(place, weight * label)
    steps: list[list[float]] = []  # sums of logits and of positives, and the weight
    for size, middle, positive in zip(sizes, distinct * sizes, sums, strict=True):
        steps.append([middle, positive, size])
        while len(steps) > 1 and _one_step(*steps[-2:]):
            last = steps.pop()
            steps[-1] = [one + other for one, other in zip(steps[-1], last, strict=True)]
    found = np.asarray(steps)
    return found[:, 0] / found[:, 2], found[:, 1] / found[:, 2], found[:, 2]


def _one_step(left: list[float], right: list[float]) -> bool:
    """Whether two neighbours are one step: the rate does not rise, or the logit hardly does."""
    falls = right[1] * left[2] <= left[1] * right[2]
    return falls or right[0] / right[2] - left[0] / left[2] < _CLOSEST
