import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.optimizers.rules import RULES, trained
from tfrs_afm import optimizers

STEPS = [([0, 2, 2], np.ones((3, 2))), ([2, 1], -np.ones((2, 2)))] * 2


@pytest.mark.parametrize("name", RULES)
def test_a_serialized_optimizer_comes_back_with_its_class_and_its_rule(name: str) -> None:
    optimizer = RULES[name].make(weight_decay=0.1, clipnorm=3.0, name="mine")
    config = json.loads(json.dumps(tf.keras.optimizers.serialize(optimizer)))
    again = tf.keras.optimizers.deserialize(config)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    start = np.ones((4, 2))
    np.testing.assert_array_equal(trained(again, start, STEPS), trained(optimizer, start, STEPS))


@pytest.mark.parametrize("name", ["Adam", "SGD", "Adagrad", "Ftrl"])
def test_the_registered_name_is_ours(name: str) -> None:
    config = tf.keras.optimizers.serialize(getattr(optimizers, name)())
    assert config["registered_name"] == f"tfrs_afm>{name}"


def test_a_schedule_survives_serialization() -> None:
    schedule = tf.keras.optimizers.schedules.ExponentialDecay(0.3, 10, 0.5)
    config = tf.keras.optimizers.serialize(optimizers.Adam(schedule))
    again = tf.keras.optimizers.deserialize(config)
    assert again.get_config()["learning_rate"]["config"]["initial_learning_rate"] == 0.3


def test_an_optimizer_inside_a_loss_scale_comes_back() -> None:
    scaler = tf.keras.mixed_precision.LossScaleOptimizer(optimizers.Ftrl(0.2))
    again = tf.keras.optimizers.deserialize(tf.keras.optimizers.serialize(scaler))
    assert type(again.inner_optimizer) is optimizers.Ftrl


def model_with(optimizer: Any) -> tf.keras.Model:
    model = tf.keras.Sequential(
        [
            tf.keras.layers.Embedding(6, 2, input_length=2, name="table"),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(1, name="score"),
        ]
    )
    model.build((None, 2))
    model.compile(optimizer, "mse", run_eagerly=True)  # tracing would take most of the time
    return model


IDS = np.array([[0, 1], [1, 2], [4, 4]])
LABELS = np.array([1.0, 0.0, 2.0])


@pytest.mark.long
@pytest.mark.parametrize("name", ["adam amsgrad", "sgd", "sgd nesterov", "adagrad", "ftrl"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_training_goes_on_from_a_saved_model_as_if_never_saved(
    name: str, suffix: str, tmp_path: Path
) -> None:
    model = model_with(RULES[name].make())
    model.fit(IDS, LABELS, epochs=2, verbose=0)
    model.save(tmp_path / f"model{suffix}")
    again = tf.keras.models.load_model(tmp_path / f"model{suffix}")
    assert type(again.optimizer) is type(model.optimizer)
    again.run_eagerly = True
    for one in (model, again):
        one.fit(IDS, LABELS, epochs=3, verbose=0, shuffle=False)
    for here, there in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(here, there, rtol=1e-6, atol=1e-7)


@pytest.mark.long
@pytest.mark.parametrize("name", ["adam amsgrad", "sgd nesterov", "adagrad", "ftrl"])
def test_a_saved_model_names_the_optimizer_and_holds_none_of_its_slots(
    name: str, tmp_path: Path
) -> None:
    model = model_with(RULES[name].make())
    model.fit(IDS, LABELS, verbose=0)
    model.save(tmp_path / "model", save_format="tf")
    again = tf.keras.models.load_model(tmp_path / "model")
    assert type(again.optimizer) is type(model.optimizer)
    assert again.optimizer.get_config() == model.optimizer.get_config()
    np.testing.assert_allclose(again(IDS), model(IDS), rtol=1e-6)
    saved = tf.train.list_variables(str(tmp_path / "model" / "variables" / "variables"))
    assert sum(shape == [6, 2] for _, shape in saved) == 1
    again.fit(IDS, LABELS, verbose=0)
