import pathlib

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
RNG = np.random.default_rng(9)


def model() -> tfrs_afm.models.MultiTask:
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(name, 20), 4)
        for name in ("user", "film")
    ]
    rating = tfrs_afm.tasks.AFM(4, loss=tfrs_afm.tasks.losses.ClippedSquaredError(1.0, 5.0))
    tasks = {"click": tfrs_afm.tasks.DeepFM([8]), "rating": rating}
    return tfrs_afm.models.MultiTask(columns, tasks, weights={"rating": 0.5}, l2=0.001)


def features(size: int = 120) -> dict:
    return {
        "user": tf.constant(RNG.integers(0, 20, size)),
        "film": tf.constant(RNG.integers(0, 20, size)),
    }


def data(batch: int = 40) -> tf.data.Dataset:
    inputs = features()
    film = inputs["film"].numpy()
    labels = {"click": (film % 2).astype(np.float32), "rating": 1.0 + film % 5}
    weight = {"rating": labels["click"]}  # only what was clicked was rated
    return tf.data.Dataset.from_tensor_slices((inputs, labels, weight)).batch(batch)


@pytest.mark.long
def test_both_tasks_learn_over_one_embedding() -> None:
    joint = model()
    joint.compile(tf.keras.optimizers.Adam(0.05))
    history = joint.fit(data(), epochs=40, verbose=0).history
    assert set(history) == {"loss", "click_auc", "click_logloss", "rating_rmse"}
    assert history["click_auc"][-1] > 0.95
    assert history["rating_rmse"][-1] < 0.5 * history["rating_rmse"][0]
    scores = joint.predict(features(), verbose=0)
    assert set(scores) == {"click", "rating"}
    assert scores["rating"].min() >= 1.0
    assert scores["rating"].max() <= 5.0


def test_the_loss_is_the_weighted_sum_of_the_tasks() -> None:
    joint = model()
    joint.compile(tf.keras.optimizers.SGD(0.0))
    inputs, labels, weight = next(iter(data(120)))
    logits = joint.logits(inputs)
    click = joint.task.tasks["click"].loss(labels["click"], logits["click"])
    rating = joint.task.tasks["rating"].loss(labels["rating"], logits["rating"], weight["rating"])
    reported = joint.evaluate(data(120), verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(click + 0.5 * rating, joint.compute_loss((inputs, labels, weight)))
    assert reported > 0


@pytest.mark.long
def test_keras_file_brings_all_tasks_back(tmp_path: pathlib.Path) -> None:
    joint, inputs = model(), features()
    joint.compile(tf.keras.optimizers.Adam(0.01))
    joint.fit(data(), verbose=0)
    expected = joint(inputs)
    joint.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    for name, scores in loaded(inputs).items():
        np.testing.assert_allclose(scores, expected[name], atol=1e-6)
    assert [m.name for m in loaded.metrics] == [m.name for m in joint.metrics]


def test_labels_of_other_tasks_are_refused() -> None:
    joint = model()
    with pytest.raises(ValueError, match=r"`labels` must be a dict with the keys \['click', 'rat"):
        joint.compute_loss((features(), {"click": tf.ones([120])}))


def test_weights_of_unknown_tasks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Leave out \['buy'\]; the tasks are \['click'\]"):
        tfrs_afm.tasks.Joint({"click": tfrs_afm.tasks.AFM(4)}, {"buy": 1.0})
