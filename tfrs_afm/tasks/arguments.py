"""What a task may be given as its loss and metrics, and what is refused."""

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from tfrs_afm.types import Loss

# One class has probability 1 and direction +-1, so that these say nothing of a single number.
_OF_CLASSES = (
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "KLDivergence",
    "SparseCategoricalCrossentropy",
)


def checked_loss(loss: Any) -> Loss:
    """Returns the loss of labels and logits that a task was given.

    Args:
        loss: A Keras loss, or the name or function of one of Keras' own, as `compile` takes them.

    Returns:
        The same object; of a name or function, the loss with its defaults.

    Raises:
        TypeError: If it is none.
        ValueError: If it takes the logits for probabilities, or is of several classes.

    Example:
        >>> type(checked_loss("mse")).__name__
        'MeanSquaredError'
    """
    given, loss = loss, _as_object(loss)
    if not isinstance(loss, tf.keras.losses.Loss):
        raise TypeError(
            f"`loss` must be a Keras loss. Received: loss={given!r}. Write a function as a "
            "subclass of `tf.keras.losses.Loss`, which can be saved, and pass an object of it."
        )
    for name in _OF_CLASSES:
        if isinstance(loss, getattr(tf.keras.losses, name)):
            raise ValueError(
                "`loss` must be of one logit an example. Received: "
                f"loss={name}, which is of several classes. Use "
                "`BinaryCrossentropy(from_logits=True)`, or a task for each class in `tasks.Joint`."
            )
    if takes_logits(loss) is False:
        raise ValueError(
            "`loss` must take logits. Received: "
            f"loss={type(loss).__name__} with from_logits=False, which takes them for "
            f"probabilities. Use `{type(loss).__name__}(from_logits=True)`."
        )
    return loss


def takes_logits(loss: Loss) -> bool | None:
    """Whether a loss puts a sigmoid before what it is given; None where it does not say.

    Example:
        >>> takes_logits(tf.keras.losses.BinaryCrossentropy(from_logits=True))
        True
        >>> takes_logits(tf.keras.losses.MeanSquaredError())
    """
    try:
        config = loss.get_config()
    except (AttributeError, NotImplementedError):  # whose constructor does not call Keras' own
        config = {}
    said = config.get("from_logits", getattr(loss, "from_logits", None))
    return None if said is None else bool(said)


def _as_object(loss: Any) -> Any:
    """What `compile` would take for a Keras loss, as an object of its class."""
    if inspect.isclass(loss) and issubclass(loss, tf.keras.losses.Loss):
        raise TypeError(
            f"`loss` must be an object. Received: loss={loss.__name__}, a class. "
            f"Use `{loss.__name__}(...)`."
        )
    if not isinstance(loss, str) and not inspect.isfunction(loss):
        return loss
    try:
        found = tf.keras.losses.get(loss)
    except ValueError as error:
        raise ValueError(
            f"`loss` must be a loss that Keras knows. Received: loss={loss!r}. Pass an object, "
            'for example `tf.keras.losses.MeanSquaredError()`, or "mse".'
        ) from error
    if isinstance(found, tf.keras.losses.Loss):
        return found
    for one in vars(tf.keras.losses).values():
        if not inspect.isclass(one) or one is tf.keras.losses.Loss:
            continue
        if not issubclass(one, tf.keras.losses.Loss):
            continue
        made = one()
        if getattr(made, "fn", None) is found:
            return made
    return found


def checked_metrics(metrics: Sequence[Any], *, of_probabilities: bool) -> list[Any]:
    """Returns the metrics that a task was given, as objects with different names.

    Args:
        metrics: Keras metrics, or names of them, as `compile` takes them.
        of_probabilities: Whether they are given probabilities.

    Returns:
        The objects; a name gives the metric with its defaults.

    Raises:
        TypeError: If `metrics` is not a list, or holds something else.
        ValueError: If two have one name, or one would apply a sigmoid once too often or not at all.

    Example:
        >>> [metric.name for metric in checked_metrics(["AUC"], of_probabilities=True)]
        ['auc']
    """
    if isinstance(metrics, str | tf.keras.metrics.Metric) or not isinstance(metrics, Iterable):
        raise TypeError(
            f"`metrics` must be a list of Keras metrics. Received: metrics={metrics!r}. "
            "Put it into a list."
        )
    made = [_metric(one) for one in metrics]
    for metric in made if of_probabilities else ():
        if getattr(metric, "from_logits", False) or metric.get_config().get("from_logits"):
            raise ValueError(
                "`metrics` must take probabilities, which is what the task predicts. Received: "
                f"metrics with '{metric.name}' and from_logits=True. Leave from_logits out."
            )
    require_different_names(metric.name for metric in made)
    return made


def _metric(metric: Any) -> Any:
    if isinstance(metric, tf.keras.metrics.Metric):
        return metric
    try:
        word = getattr(tf.keras.metrics.get(metric), "__name__", metric)  # "mse" is a function's
        classes = [name for name, one in vars(tf.keras.metrics).items() if inspect.isclass(one)]
        known = {name.lower(): name for name in classes}
        name = known[word.replace("_", "").lower()] if isinstance(metric, str) else ""
        # Keras would number the second "auc" of a process.
        named = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        made = getattr(tf.keras.metrics, name)(name=named)
    # An unknown name, a function of somebody's own, or a class that needs an argument.
    except (AttributeError, KeyError, TypeError, ValueError):
        made = None
    if not isinstance(made, tf.keras.metrics.Metric):
        raise TypeError(
            "`metrics` must hold Keras metrics. Received: "
            f"metrics with {metric!r}. Pass an object, for example "
            '`tf.keras.metrics.AUC(name="auc")`, or the name of a class that needs no arguments.'
        )
    return made


def require_different_names(names: Iterable[str]) -> None:
    """Refuses two metrics of one name: the logs have room for one of them.

    Raises:
        ValueError: If a name comes twice.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(
                f"`metrics` must have different names. Received: metrics with '{name}' twice. "
                "Give each a name of its own, for example `AUC(name='auc_10000')`."
            )
        seen.add(name)
