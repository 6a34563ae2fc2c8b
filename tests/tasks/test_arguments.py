"""What tasks take as loss and metrics; each of these was taken, and gave wrong numbers."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

losses, metrics = tf.keras.losses, tf.keras.metrics
parts = tfrs_afm.interactions
RNG = np.random.default_rng(5)
VECTORS = tf.constant(RNG.normal(size=(6, 3, 4)), tf.float32)
LABELS = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0], np.float32)
WITH_LOGITS = [
    one
    for one in vars(losses).values()
    if isinstance(one, type)
    and issubclass(one, losses.Loss)
    and one is not losses.Loss
    and "from_logits" in one().get_config()
]
MAKERS = {
    "afm": lambda **kw: tfrs_afm.tasks.AFM(4, **kw),
    "deepfm": lambda **kw: tfrs_afm.tasks.DeepFM([8], **kw),
    "ranking": lambda **kw: tfrs_afm.tasks.Ranking(parts.AFM(4), **kw),
    "joint": lambda **kw: tfrs_afm.tasks.Joint({"click": tfrs_afm.tasks.AFM(4, **kw)}),
}
many = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


@many
@pytest.mark.parametrize("kind", WITH_LOGITS)
def test_a_loss_of_probabilities_is_refused(make: object, kind: type) -> None:
    """`BinaryCrossentropy()` took logits for probabilities: loss 3.1, predictions below 0."""
    assert {losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy} <= set(WITH_LOGITS)
    with pytest.raises(ValueError, match=r"`loss` must .*\(from_logits=True\)`"):
        make(loss=kind())  # type: ignore[operator]


@pytest.mark.parametrize("kind", [losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy])
def test_with_logits_the_loss_is_that_of_the_probabilities(kind: type) -> None:
    task = tfrs_afm.tasks.AFM(4, loss=kind(from_logits=True))
    found = task(LABELS, VECTORS)
    p = 1 / (1 + np.exp(-task.logits(VECTORS).numpy()[:, 0].astype(np.float64)))
    of_truth = np.where(LABELS == 1, p, 1 - p)
    focus = (1 - of_truth) ** 2 if kind is losses.BinaryFocalCrossentropy else 1.0
    np.testing.assert_allclose(found, np.mean(-focus * np.log(of_truth)), rtol=1e-4)


@pytest.mark.parametrize(
    "kind",
    ["CategoricalCrossentropy", "SparseCategoricalCrossentropy", "CategoricalFocalCrossentropy"],
)
def test_a_loss_of_several_classes_is_refused(kind: str) -> None:
    """A softmax over one logit is 1: the loss was 0 or NaN, whatever the logit."""
    with pytest.raises(ValueError, match=rf"of one logit an example. Received: loss={kind}"):
        tfrs_afm.tasks.AFM(4, loss=getattr(losses, kind)(from_logits=True))


@pytest.mark.parametrize("loss", [losses.CosineSimilarity(), "kld", "categorical_hinge"])
def test_so_is_one_of_directions_or_distributions(loss: object) -> None:
    with pytest.raises(ValueError, match=r"`loss` must be of one logit"):
        tfrs_afm.tasks.AFM(4, loss=loss)


def test_an_old_configuration_with_such_a_loss_says_the_fix() -> None:
    config = tfrs_afm.tasks.AFM(4).get_config()
    config["loss"] = losses.serialize(losses.BinaryCrossentropy(reduction="none"))
    with pytest.raises(ValueError, match=r"from_logits=True"):
        tfrs_afm.tasks.AFM.from_config(config)


@pytest.mark.parametrize("loss", ["mse", "MeanSquaredError", losses.mean_squared_error])
def test_a_loss_may_be_named_as_in_compile(loss: object) -> None:
    task = tfrs_afm.tasks.AFM(4, loss=loss)
    found = task(LABELS, VECTORS)
    logits = task.logits(VECTORS).numpy()[:, 0]
    np.testing.assert_allclose(found, np.mean((LABELS - logits) ** 2), rtol=1e-5)
    clone = tfrs_afm.tasks.AFM.from_config(task.get_config())
    assert clone.get_config() == task.get_config()


@pytest.mark.parametrize(
    ("loss", "kind", "message"),
    [
        ("bce", ValueError, r"from_logits=True"),
        ("binary_crossentropy", ValueError, r"from_logits=True"),
        ("nope", ValueError, r"`loss` must be a loss that Keras knows. Received: loss='nope'"),
        (lambda y, p: (y - p) ** 2, TypeError, r"`loss` must be a Keras loss.*subclass of"),
        (losses.MeanSquaredError, TypeError, r"Received: loss=MeanSquaredError, a class"),
        (3, TypeError, r"`loss` must be a Keras loss. Received: loss=3"),
    ],
)
def test_what_is_no_loss_is_refused(loss: object, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        tfrs_afm.tasks.AFM(4, loss=loss)


class Quartic(losses.Loss):
    """Somebody's own loss, whose constructor takes nothing, with state that is no configuration."""

    def __init__(self) -> None:
        super().__init__()
        self.power = 4

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.abs(y_true - y_pred) ** self.power, -1)


def test_a_loss_is_used_as_it_is_and_not_made_anew() -> None:
    """Its constructor was called with a `reduction` that it does not have."""
    loss = Quartic()
    loss.power = 2
    task = tfrs_afm.tasks.AFM(4, loss=loss)
    weights = np.array([1, 0, 2, 1, 1, 1], np.float32)
    found = task(LABELS, VECTORS, sample_weight=weights)
    squares = (LABELS - task.logits(VECTORS).numpy()[:, 0]) ** 2
    np.testing.assert_allclose(found, np.mean(squares * weights), rtol=1e-5)
    with pytest.raises(NotImplementedError, match=r"Received: loss=Quartic: .*\*\*kwargs"):
        task.get_config()


class WithoutReduction(losses.Loss):
    """A loss that never calls Keras' constructor, and so has neither reduction nor name."""

    def __init__(self) -> None:
        pass

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.square(y_true - y_pred), -1)


class WithoutConfiguration(WithoutReduction):
    def get_config(self) -> dict[str, object]:
        raise NotImplementedError("no configuration")


@many
@pytest.mark.parametrize("kind", [WithoutReduction, WithoutConfiguration])
def test_a_loss_without_reduction_trains_and_says_why_it_is_not_saved(
    make: object, kind: type
) -> None:
    """It was an AttributeError of Keras."""
    task, same = make(loss=kind()), make(loss="mse")  # type: ignore[operator]
    labels = {"click": LABELS} if isinstance(task, tfrs_afm.tasks.Joint) else LABELS
    for one in (task, same):
        one(labels, VECTORS)
    for ours, theirs in zip(task.weights, same.weights, strict=True):
        ours.assign(theirs)
    np.testing.assert_allclose(task(labels, VECTORS), same(labels, VECTORS), rtol=1e-6)
    with pytest.raises(
        NotImplementedError, match=rf"Received: loss={kind.__name__}: .*that of Keras"
    ):
        task.get_config()


class OfTheBatch(losses.Loss):
    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.square(y_true - y_pred))


def test_a_loss_of_the_whole_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one number an example. Received: loss=OfTheBatch"):
        tfrs_afm.tasks.AFM(4, loss=OfTheBatch())(LABELS, VECTORS)


@many
def test_two_metrics_of_one_name_are_refused(make: object) -> None:
    """One of the two vanished from the logs."""
    pair = [metrics.AUC(name="quality"), metrics.Precision(name="quality")]
    with pytest.raises(ValueError, match=r"`metrics` must have different names.*'quality' twice"):
        make(metrics=pair)  # type: ignore[operator]


def test_so_are_those_of_two_tasks_once_they_have_their_prefix() -> None:
    make = tfrs_afm.tasks.AFM
    one = make(4, metrics=[metrics.AUC(name="b_auc")])
    other = make(4, metrics=[metrics.AUC(name="auc")])
    with pytest.raises(ValueError, match=r"'a_b_auc' twice"):
        tfrs_afm.tasks.Joint({"a": one, "a_b": other})
    both = make(4, metrics=[metrics.AUC(name="click_auc"), metrics.AUC(name="auc")])
    with pytest.raises(ValueError, match=r"'click_auc' twice"):
        tfrs_afm.tasks.Joint({"click": both})


def test_a_metric_may_not_hide_the_loss_of_a_model() -> None:
    columns = [tf.feature_column.numeric_column(name) for name in "ab"]
    task = tfrs_afm.tasks.AFM(4, metrics=[metrics.AUC(name="loss")])
    with pytest.raises(ValueError, match=r"'loss' twice"):
        tfrs_afm.models.AFM(columns, task=task, dim=4)


def test_an_old_configuration_with_two_of_one_name_still_loads() -> None:
    task = tfrs_afm.tasks.AFM(4, metrics=[metrics.AUC(name="a"), metrics.Precision(name="b")])
    config = task.get_config()
    config["metrics"][1]["config"]["name"] = "a"
    loaded = tfrs_afm.tasks.AFM.from_config(config)
    assert [metric.name for metric in loaded.metrics] == ["a", "a_2"]


def test_metrics_may_be_named_as_in_compile() -> None:
    for _ in range(2):  # Keras numbers the second "auc" of a process
        task = tfrs_afm.tasks.AFM(4, metrics=["AUC", "mse", "BinaryAccuracy"])
        names = ["auc", "mean_squared_error", "binary_accuracy"]
        assert [metric.name for metric in task.metrics] == names


@pytest.mark.parametrize(
    "given", ["AUC", metrics.AUC(), ["nope"], ["MeanIoU"], [3], [metrics.AUC], 7]
)
def test_what_is_no_metric_is_refused(given: object) -> None:
    with pytest.raises(TypeError, match=r"`metrics` must (hold|be a list of) Keras metrics"):
        tfrs_afm.tasks.AFM(4, metrics=given)


@pytest.mark.parametrize("kind", [metrics.AUC, metrics.BinaryCrossentropy])
def test_a_metric_of_logits_is_refused_where_it_is_given_probabilities(kind: type) -> None:
    with pytest.raises(ValueError, match=r"`metrics` must take probabilities.*Leave from_logits"):
        tfrs_afm.tasks.AFM(4, metrics=[kind(from_logits=True, name="one")])
    tfrs_afm.tasks.AFM(4, loss="mse", metrics=[kind(from_logits=True, name="one")])


def test_a_model_saved_with_a_named_loss_comes_back(tmp_path: pathlib.Path) -> None:
    columns = [tf.feature_column.numeric_column(name) for name in "ab"]
    task = tfrs_afm.tasks.AFM(4, loss="mse", metrics=["mae"])
    model = tfrs_afm.models.AFM(columns, task=task, dim=4)
    features = {name: tf.constant([[1.0], [2.0]]) for name in "ab"}
    before = model(features)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(features), before, rtol=1e-6)
