"""The layers of Keras 3 are those of Keras 2: on TensorFlow here, and on JAX in a process."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.keras3 import checks
from tfrs_afm import interactions
from tfrs_afm.keras3 import interactions as parts


def of_keras_2(name: str) -> dict[str, Any]:
    """Weights, answers, gradients and contributions of a layer."""
    layer = checks.LAYERS[name](interactions)
    vectors = tf.constant(checks.VECTORS)
    layer(vectors)
    rng = np.random.default_rng(2)
    found: dict[str, Any] = {}
    for kind in ("trainable", "non_trainable"):
        variables = getattr(layer, f"{kind}_variables")
        found[f"{kind} names"] = [one.name.rsplit("/", 1)[-1].split(":")[0] for one in variables]
        for index, variable in enumerate(variables):
            value = rng.normal(size=variable.shape)
            variable.assign(np.abs(value) + 0.5 if "variance" in variable.name else value)
            found[f"{kind} {index}"] = variable.numpy()
    for which, call in checks.calls(name).items():
        found[which] = layer(vectors, **call).numpy()
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        loss = tf.reduce_sum(tf.square(layer(vectors, mask=tf.constant(checks.MASK))))
    for index, one in enumerate(tape.gradient(loss, [vectors, *layer.trainable_variables])):
        found[f"gradient {index}"] = tf.convert_to_tensor(one).numpy()
    if name not in checks.PLAIN:
        told = layer.contributions(vectors, checks.MASK, checks.LINEAR, tf.constant(checks.GROUPS))
        found.update({part: np.asarray(value) for part, value in told._asdict().items()})
    return {f"{name}/{what}": value for what, value in found.items()}


@pytest.fixture(scope="module")
def expected() -> checks.Expected:
    return {key: value for name in checks.LAYERS for key, value in of_keras_2(name).items()}


@pytest.mark.matrix
@pytest.mark.parametrize("name", checks.LAYERS)
def test_answers_and_gradients_are_those_of_keras_2(name: str, expected: checks.Expected) -> None:
    checks.check_answers_and_gradients(name, expected)


@pytest.mark.matrix
@pytest.mark.parametrize("name", [name for name in checks.LAYERS if name not in checks.PLAIN])
def test_contributions_are_those_of_keras_2(name: str, expected: checks.Expected) -> None:
    checks.check_contributions(name, expected)


@pytest.mark.matrix
@pytest.mark.parametrize("check", checks.ALONE)
def test_on_tensorflow(check: Callable[[], None]) -> None:
    check()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keras3")


@pytest.mark.long
@pytest.mark.parametrize(
    "name",
    [checks.TRAINED[0], *(pytest.param(one, marks=pytest.mark.long) for one in checks.TRAINED[1:])],
)
def test_a_model_learns_and_is_saved(name: str, models: Path) -> None:
    (models / "models").mkdir(exist_ok=True)
    checks.check_training(name, models / "models")


@pytest.mark.long
def test_all_of_it_holds_on_jax(expected: checks.Expected, models: Path) -> None:
    """Together with what TensorFlow's backend trained and saved."""
    np.savez(models / "expected.npz", **expected)
    done = subprocess.run(
        [sys.executable, "-m", "tests.keras3.checks", str(models)],
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",  # compiling is what takes its time
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith(" layers on jax\n")


@pytest.mark.matrix
@pytest.mark.parametrize("name", checks.LAYERS)
def test_a_configuration_makes_the_same_layer(name: str) -> None:
    layer = checks.LAYERS[name](parts)
    other = type(layer).from_config(layer.get_config())
    assert other.get_config() == layer.get_config()
    for one in (layer, other):
        one(checks.VECTORS)
    other.set_weights(layer.get_weights())
    np.testing.assert_array_equal(other(checks.VECTORS), layer(checks.VECTORS))


def test_there_is_what_there_is_on_keras_2() -> None:
    of_cost = {"InteractionCost", "interaction_cost"}
    assert set(parts.__all__) == set(interactions.__all__) - of_cost


def test_the_mask_that_keras_passes_along_counts() -> None:
    ids = np.array([[1, 2, 0], [3, 0, 0]])
    layer = parts.AFM(pooling=parts.SumPooling())
    vectors = keras.layers.Embedding(5, 2, mask_zero=True)(ids)
    wanted = layer(np.asarray(vectors), mask=ids != 0)
    terms = np.zeros((2, 3), np.float32)
    for answer in (layer(vectors), layer(vectors, linear=terms), layer(vectors, groups=[0, 1, 2])):
        np.testing.assert_allclose(answer, wanted, rtol=1e-6)
    each = [keras.layers.Embedding(5, 2, mask_zero=True)(ids[:, i]) for i in range(3)]
    stacked = np.stack([np.asarray(one) for one in each], axis=1)
    np.testing.assert_allclose(layer(each), layer(stacked, mask=ids != 0), rtol=1e-6)


def test_dropout_applies_in_training_only() -> None:
    layer = parts.AFM(pooling=parts.AttentionPooling(4, 0.5, pair_dropout=0.3), dropout=0.5)
    plain = np.asarray(layer(checks.VECTORS))
    np.testing.assert_array_equal(layer(checks.VECTORS, training=False), plain)
    assert np.abs(layer(checks.VECTORS, training=True) - plain).max() > 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: parts.AttentionPooling(0), "`units` must be positive. Received: units=0"),
        (lambda: parts.AFM(4, pooling=parts.SumPooling()), "`attention_units` must be left out"),
        (lambda: parts.Deep([]), "`units` must hold positive widths"),
        (lambda: parts.FieldPairMatrices(-1.0), "`l2` must not be negative"),
        (lambda: parts.BatchNormPooling(parts.SumPooling(), 1.0), "`momentum` must be in"),
        (lambda: parts.MultiEmbedding(parts.AFM(2), 1), "`sets` must be at least 2"),
        (
            lambda: parts.MultiEmbedding(parts.AFM(2), 3)(checks.VECTORS),
            "`sets` must divide the length of the vectors",
        ),
        (lambda: parts.DeepFM([2])(keras.Input((None, 3))), "static number of members for a deep"),
        (lambda: parts.FieldGate(parts.AFM(2))(keras.Input((None, 3))), "static number of fields"),
        (
            lambda: parts.AFM(pooling=parts.FieldPairWeights())(keras.Input((None, 3))),
            "static number of members for weights of their pairs",
        ),
        (lambda: parts.AFM(2)(keras.Input((3, None))), "static last dimension"),
    ],
)
def test_what_cannot_be_is_told(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
