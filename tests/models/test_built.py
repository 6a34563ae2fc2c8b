"""A ready model is built once it was trained or evaluated, and whenever it is saved."""

import copy
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
FEATURES = {"film": tf.constant([1, 2]), "age": tf.constant([1.0, 2.0])}
DATA = tf.data.Dataset.from_tensors((FEATURES, tf.constant([0.0, 1.0])))


def columns() -> list[Any]:
    return [
        fc.embedding_column(fc.categorical_column_with_identity("film", 5), 2),
        fc.numeric_column("age"),
    ]


MODELS: dict[str, Callable[[], Any]] = {
    "afm": lambda: tfrs_afm.models.AFM(columns(), attention_units=2),
    "deepfm": lambda: tfrs_afm.models.DeepFM(columns(), [3]),
    "multi_task": lambda: tfrs_afm.models.MultiTask(
        columns(), {name: tfrs_afm.tasks.AFM(2) for name in ("click", "buy")}
    ),
}
KINDS = [name if name == "afm" else pytest.param(name, marks=pytest.mark.long) for name in MODELS]


def trained(name: str, *callbacks: Any) -> Any:
    model = MODELS[name]()
    model.compile("sgd")
    data = DATA
    if name == "multi_task":
        data = data.map(lambda features, labels: (features, {"click": labels, "buy": labels}))
    model.fit(data, verbose=0, callbacks=list(callbacks))
    return model


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp(request.param)
    checkpoint = tf.keras.callbacks.ModelCheckpoint
    model = trained(
        request.param, checkpoint(f"{folder}/file.keras"), checkpoint(f"{folder}/folder")
    )
    model.folder = str(folder)
    return model


def scores(model: Any) -> Any:
    return tf.nest.flatten(model(FEATURES))


@pytest.mark.long
def test_keras_saves_sums_up_and_counts_what_fit_built(model: Any) -> None:
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert lines
    assert model.count_params() == sum(np.size(weight) for weight in model.get_weights())
    for loaded in (
        tfrs_afm.models.load_model(f"{model.folder}/file.keras"),
        tf.keras.models.load_model(f"{model.folder}/folder"),
        copy.deepcopy(model),
    ):
        np.testing.assert_allclose(scores(loaded), scores(model), atol=1e-6)


@pytest.mark.long
def test_a_saved_model_has_a_signature(model: Any, tmp_path: pathlib.Path) -> None:
    tf.saved_model.save(model, str(tmp_path))
    signature = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    np.testing.assert_allclose(
        sorted(np.ravel(list(signature(**FEATURES).values()))),
        sorted(np.ravel(scores(model))),
        atol=1e-6,
    )


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("save", [lambda model, path: model.save(path), tf.keras.models.save_model])
@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_model_that_nothing_was_asked_of_is_saved_with_its_first_weights(
    name: str, save: Callable[..., Any], tmp_path: pathlib.Path
) -> None:
    model = MODELS[name]()
    save(model, tmp_path / "model.keras")
    loaded = tfrs_afm.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(scores(loaded), scores(model), atol=1e-6)


def test_evaluate_builds_too_and_variables_keep_their_names() -> None:
    model = MODELS["afm"]()
    model.compile("sgd")
    model.evaluate(DATA, verbose=0)
    assert model.built
    assert model.weights[0].name == f"{model.embedding.name}/age/embedding_weights:0"
