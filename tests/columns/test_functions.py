"""Functions of columns: what is saved loads, or is refused when it is saved."""

import copy
import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import serving
import tfrs_afm
from tfrs_afm.columns.serialization import deserialize_columns, serialize_columns

fc = tf.feature_column
FEATURES = {"age": tf.constant([1.0, 5.0]), "film": tf.constant([1, 3])}


@tf.keras.utils.register_keras_serializable(package="tests")
def registered_half(numbers: Any) -> Any:
    return tf.cast(numbers, tf.float32) / 2.0


def plain_half(numbers: Any) -> Any:
    return tf.cast(numbers, tf.float32) / 2.0


@tf.keras.utils.register_keras_serializable(package="tests")
class Half(tf.keras.layers.Layer):
    def call(self, numbers: Any) -> Any:
        return numbers / 2.0


class Scaled(tf.keras.layers.Layer):
    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = tf.Variable(scale)

    def call(self, numbers: Any) -> Any:
        return numbers * self.scale


def ones(shape: Any, dtype: Any = None, **_: Any) -> Any:
    return tf.ones(shape, dtype or tf.float32)


def normalized(function: Any) -> list[Any]:
    number = fc.numeric_column("age", normalizer_fn=function)
    return [number, fc.embedding_column(fc.bucketized_column(number, [1.0, 2.0]), 2)]


@pytest.fixture(scope="module", params=[registered_half, plain_half])
def saved(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[pathlib.Path, dict[str, Any], Any]:
    """A file, the custom objects it needs, and the scores of its model."""
    function = request.param
    model = tfrs_afm.models.AFM(normalized(function), attention_units=2)
    scores = model(FEATURES)
    path = tmp_path_factory.mktemp(function.__name__) / "model.keras"
    model.save(path)
    return path, {} if function is registered_half else {"plain_half": function}, scores


def _in_scope(path: pathlib.Path, objects: dict[str, Any]) -> Any:
    with tf.keras.utils.custom_object_scope(objects):
        return tf.keras.models.load_model(path)


@pytest.mark.matrix
@pytest.mark.parametrize(
    "load",
    [
        lambda path, objects: tfrs_afm.models.load_model(path, objects),
        lambda path, objects: tf.keras.models.load_model(path, custom_objects=objects),
        _in_scope,
    ],
    ids=["ours", "keras", "scope"],
)
def test_a_file_with_a_function_loads(
    load: Callable[..., Any], saved: tuple[pathlib.Path, dict[str, Any], Any]
) -> None:
    path, objects, scores = saved
    model = load(path, objects)
    np.testing.assert_allclose(model(FEATURES), scores)


def test_a_function_that_is_not_known_is_named(
    saved: tuple[pathlib.Path, dict[str, Any], Any],
) -> None:
    path, objects, _ = saved
    if objects:
        with pytest.raises(ValueError, match=r"`custom_objects`.*'plain_half' of feature 'age'"):
            tfrs_afm.models.load_model(path)


def test_a_model_with_a_registered_function_is_copied() -> None:
    model = tfrs_afm.models.AFM(normalized(registered_half), attention_units=2)
    scores = model(FEATURES)
    np.testing.assert_allclose(copy.deepcopy(model)(FEATURES), scores)


@pytest.mark.parametrize(
    "function",
    [lambda numbers: numbers / 2.0, Half(), functools.partial(plain_half)],
    ids=["lambda", "layer", "partial"],
)
def test_what_could_not_be_found_again_is_refused_when_it_is_saved(
    function: Any, tmp_path: pathlib.Path
) -> None:
    model = tfrs_afm.models.AFM(normalized(function), attention_units=2)
    model(FEATURES)
    with pytest.raises(NotImplementedError, match=r"`normalizer_fn`.*column 'age'.*Normalizer"):
        model.save(tmp_path / "model.keras")
    assert tfrs_afm.feature_schema(model.columns)["fields"] == ["age", "age_bucketized_embedding"]


def test_the_state_of_a_layer_is_in_checkpoints(tmp_path: pathlib.Path) -> None:
    layers = [Scaled(2.0), Scaled(3.0)]
    models = [tfrs_afm.models.AFM(normalized(layer), attention_units=2) for layer in layers]
    scores = [model(FEATURES) for model in models]
    assert not np.allclose(scores[0], scores[1])
    models[0].save_weights(tmp_path / "checkpoint")
    models[1].load_weights(tmp_path / "checkpoint")
    np.testing.assert_allclose(models[1](FEATURES), scores[0])


@pytest.mark.long
def test_a_layer_is_exported(tmp_path: pathlib.Path) -> None:
    layer = tf.keras.layers.Normalization(axis=None)
    layer.adapt(tf.constant([1.0, 3.0, 8.0]))
    model = tfrs_afm.models.AFM(normalized(layer), attention_units=2)
    scores = model({"age": tf.constant([5.0])})
    with serving.Client(serving.export(model, tmp_path)) as client:
        np.testing.assert_allclose(client.predict([{"age": 5.0}]), scores[0], atol=1e-6)


def test_two_functions_of_one_name_are_refused() -> None:
    def twice() -> Any:
        def same_name(numbers: Any) -> Any:
            return numbers

        return same_name

    for package in ("first", "second"):
        tf.keras.utils.register_keras_serializable(package=package)(twice())
    with pytest.raises(NotImplementedError, match="a name of its own"):
        serialize_columns(normalized(twice()))


FILM = fc.categorical_column_with_identity("film", 5)
INITIALIZERS = {
    "keras": tf.keras.initializers.HeNormal(seed=3),
    "tensorflow": tf.zeros_initializer(),
    "function": ones,
}


@pytest.mark.parametrize("name", INITIALIZERS)
def test_an_initializer_comes_back(name: str) -> None:
    made = [
        fc.embedding_column(FILM, 2, initializer=INITIALIZERS[name]),
        *tfrs_afm.shared_embeddings([FILM], 2, initializer=INITIALIZERS[name]),
    ]
    with tf.keras.utils.custom_object_scope({"ones": ones}):
        loaded = deserialize_columns(serialize_columns(made))
    for before, after in zip(made, loaded, strict=True):
        tables = []
        for column in (before, after):
            tf.keras.utils.set_random_seed(1)
            layer = tfrs_afm.FieldEmbedding([column])
            layer.build(None)
            tables.append(next(iter(layer.tables.values())).embedding_weights)
        np.testing.assert_allclose(tables[0], tables[1])


@pytest.mark.parametrize("shared", [True, False])
def test_a_lambda_as_initializer_is_refused(shared: bool) -> None:
    function = lambda shape, dtype=None, **_: tf.ones(shape)  # noqa: E731
    columns = (
        tfrs_afm.shared_embeddings([FILM], 2, initializer=function)
        if shared
        else [fc.embedding_column(FILM, 2, initializer=function)]
    )
    with pytest.raises(NotImplementedError, match=r"`initializer`.*tf\.keras\.initializers"):
        serialize_columns(columns)


def test_columns_over_one_feature_keep_their_settings() -> None:
    number, other = fc.numeric_column("age"), fc.numeric_column("age", shape=(2,))
    columns = [
        fc.indicator_column(FILM),
        fc.embedding_column(fc.categorical_column_with_identity("film", 50), 2),
        fc.bucketized_column(number, [1.0]),
        fc.indicator_column(
            fc.crossed_column(
                [fc.bucketized_column(number, [2.0]), fc.bucketized_column(other, [3.0])], 7
            )
        ),
    ]
    loaded = deserialize_columns(serialize_columns(columns))
    assert serialize_columns(loaded) == serialize_columns(columns)
