from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs

import tfrs_afm
from tfrs_afm import interactions as parts

RNG = np.random.default_rng(2)
VECTORS = tf.constant(RNG.normal(size=(6, 3, 4)), tf.float32)
LABELS = tf.constant([0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
TASKS = [lambda **kw: tfrs_afm.tasks.AFM(4, **kw), lambda **kw: tfrs_afm.tasks.DeepFM([8], **kw)]


@pytest.mark.parametrize("make", TASKS)
def test_task_is_a_keras_layer_and_a_tfrs_task(make: object) -> None:
    task = make()  # type: ignore[operator]
    assert isinstance(task, tf.keras.layers.Layer)
    assert isinstance(task, tfrs.tasks.Task)


@pytest.mark.parametrize("make", TASKS)
def test_loss_is_the_mean_cross_entropy_of_the_logits(make: object) -> None:
    task = make()  # type: ignore[operator]
    loss = task(LABELS, VECTORS)
    logits = task.logits(VECTORS).numpy()[:, 0].astype(np.float64)
    p = 1 / (1 + np.exp(-logits))
    y = LABELS.numpy()
    np.testing.assert_allclose(loss, -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)), rtol=1e-5)
    metrics = {m.name: float(m.result()) for m in task.metrics}
    np.testing.assert_allclose(metrics["logloss"], loss, rtol=1e-4)
    assert 0 <= metrics["auc"] <= 1


def test_sample_weight_zero_takes_an_example_out() -> None:
    task = tfrs_afm.tasks.AFM(4, metrics=[])
    weight = tf.constant([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    weighted = task(LABELS, VECTORS, sample_weight=weight)
    np.testing.assert_allclose(weighted * 2, task(LABELS[:3], VECTORS[:3]), rtol=1e-5)


def test_a_squared_loss_predicts_the_number_itself() -> None:
    task = tfrs_afm.tasks.AFM(4, loss=tf.keras.losses.MeanSquaredError(), metrics=[])
    logits = task.logits(VECTORS)
    np.testing.assert_array_equal(task.predictions(logits), logits)
    expected = np.mean(np.square(LABELS.numpy() - logits.numpy()[:, 0]))
    np.testing.assert_allclose(task(LABELS, VECTORS), expected, rtol=1e-5)


@pytest.mark.parametrize("make", TASKS)
def test_config_round_trip_gives_the_same_scores(make: object) -> None:
    task = make(metrics=[tf.keras.metrics.AUC(name="auc")])  # type: ignore[operator]
    expected = task.logits(VECTORS)
    clone = type(task).from_config(task.get_config())
    assert clone.get_config() == task.get_config()
    clone.logits(VECTORS)
    clone.interaction.set_weights(task.interaction.get_weights())
    np.testing.assert_allclose(clone.logits(VECTORS), expected)


class Ranker(tfrs.Model):
    """Somebody's own TFRS model with our embedding and task inside."""

    def __init__(self) -> None:
        super().__init__()
        fc = tf.feature_column
        names = ("user", "film")
        self.embed = tfrs_afm.FieldEmbedding(
            [fc.embedding_column(fc.categorical_column_with_identity(n, 9), 4) for n in names]
        )
        self.task = tfrs_afm.tasks.AFM(attention_units=4)

    def call(self, features: dict) -> tf.Tensor:
        return self.task.logits(*self.embed(features))

    def compute_loss(self, inputs: tuple, training: bool = False) -> tf.Tensor:
        features, labels = inputs
        return self.task(labels, *self.embed(features), training=training)


@pytest.mark.long
def test_task_trains_inside_somebodys_tfrs_model() -> None:
    model = Ranker()
    model.compile(tf.keras.optimizers.Adagrad(0.5))
    features = {"user": RNG.integers(0, 9, 64), "film": RNG.integers(0, 9, 64)}
    labels = (features["film"] > 4).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(16)
    history = model.fit(data, epochs=30, verbose=0).history
    assert history["auc"][-1] > 0.95
    assert model({k: v[:1] for k, v in features.items()}).shape == (1, 1)


class Embeddings(tf.keras.layers.Layer):
    """The embedding layer of a TFRS ranking model: a dict in, a dict out."""

    def build(self, input_shape: dict) -> None:
        self.tables = {name: tf.keras.layers.Embedding(9, 8) for name in input_shape}

    def call(self, features: dict) -> dict:
        return {name: self.tables[name](ids) for name, ids in features.items()}


@pytest.mark.matrix
@pytest.mark.parametrize("batch", [pytest.param(4, marks=pytest.mark.long), 1])
@pytest.mark.parametrize(
    "make",
    [lambda: tfrs_afm.interactions.AFM(4), lambda: tfrs_afm.interactions.DeepFM([8])],
)
def test_interactions_serve_as_feature_interaction_of_the_tfrs_ranking_model(
    make: object, batch: int
) -> None:
    """With an odd last batch of three, and with batches of one, where TFRS squeezes too much."""
    model = tfrs.experimental.models.Ranking(
        embedding_layer=Embeddings(),
        bottom_stack=tfrs.layers.blocks.MLP([8]),
        feature_interaction=make(),  # type: ignore[operator]
        top_stack=tfrs.layers.blocks.MLP([4, 1], final_activation="sigmoid"),
    )
    model.compile(tf.keras.optimizers.Adagrad(0.1))
    features = {
        "dense_features": RNG.normal(size=(7, 3)).astype(np.float32),
        "sparse_features": {"film": RNG.integers(0, 9, 7), "user": RNG.integers(0, 9, 7)},
    }
    labels = RNG.integers(0, 2, 7).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(batch)
    assert np.isfinite(model.fit(data, epochs=2, verbose=0).history["loss"]).all()
    whole = model.predict(
        tf.data.Dataset.from_tensor_slices((features, labels)).batch(7), verbose=0
    )
    np.testing.assert_allclose(model.predict(data, verbose=0), whole, rtol=1e-4)


def test_the_auc_of_confident_predictions_is_that_of_their_order() -> None:
    # Keras' 200 evenly spaced thresholds told apart none of these, and said 0.5.
    task = tfrs_afm.tasks.AFM(4)
    logits = tf.constant([[-7.0], [-6.5], [-6.0], [-8.0]])
    task.loss(tf.constant([0.0, 1.0, 1.0, 0.0]), logits)
    auc = next(metric for metric in task._task_metrics if metric.name == "auc")
    assert float(auc.result()) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("interaction", [lambda: parts.AFM(2), lambda: parts.DeepFM([2])])
def test_tfrs_ranking_takes_the_vectors_of_our_fields_and_says_so_of_all_else(
    interaction: Any,
) -> None:
    fc = tf.feature_column
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(name, 9), 4) for name in "ab"
    ]
    fields = tfrs_afm.FieldEmbedding(columns)
    inputs = {
        "dense_features": tf.ones([3, 2]),
        "sparse_features": {"a": tf.constant([1, 2, 3]), "b": tf.constant([4, 5, 6])},
    }

    def ranking(embedding: Any, **options: Any) -> Any:
        return tfrs.experimental.models.Ranking(
            embedding_layer=embedding,
            bottom_stack=tfrs.layers.blocks.MLP([4]),
            feature_interaction=interaction(),
            **options,
        )

    class Vectors(tf.keras.layers.Layer):
        def call(self, features: Any) -> Any:
            return tf.unstack(fields(features).vectors, axis=1)

    assert ranking(Vectors())(inputs).shape == (3,)
    with pytest.raises(TypeError, match=r"one dtype, .* bool, float32. As embedding_layer of tfrs"):
        ranking(fields)(inputs)
    model = ranking(Vectors(), task=tfrs_afm.tasks.AFM(2))
    with pytest.raises(ValueError, match=r"embedded fields\. .* \(3,\). This task makes the"):
        model.compute_loss((inputs, tf.ones([3])))
