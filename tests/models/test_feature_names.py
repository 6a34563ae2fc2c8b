"""Features may be called anything: scopes of TensorFlow's graphs take fewer characters."""

import pathlib

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from tfrs_afm.columns.field import scope_name

fc = tf.feature_column
FEW = ["class of worker", "class:of:worker", "用户"]
MORE = [
    "class,of,worker", "user_id:token", "_lead", "-lead", "x/", "x//y", "a\\b", "a'b", 'a"b',
    "a%s{}", "a\nb", "a>_b", "", " ", "film", "Film",
]  # fmt: skip
Model = tfrs_afm.models.AFM


def features_of(names: list[str]) -> dict[str, tf.Tensor]:
    return {name: tf.constant([1, n % 3]) for n, name in enumerate(names)}


def made(names: list[str]) -> Model:
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(name, 5), 2) for name in names
    ]
    model = Model(columns, attention_units=2)
    model(features_of(names))
    return model


@pytest.fixture(scope="module", params=[FEW, pytest.param(FEW + MORE, marks=pytest.mark.long)])
def names(request: pytest.FixtureRequest) -> list[str]:
    return request.param


@pytest.fixture(scope="module")
def model(names: list[str]) -> Model:
    return made(names)


def test_a_graph_computes_what_eager_mode_does(names: list[str], model: Model) -> None:
    features = features_of(names)
    np.testing.assert_allclose(tf.function(model)(features), model(features), atol=1e-6)


def test_variables_are_told_apart_by_their_names(model: Model) -> None:
    names = [weight.name for weight in model.weights]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("file", ["model.keras", "model.weights.h5", "checkpoint"])
def test_what_is_saved_loads(
    file: str, names: list[str], model: Model, tmp_path: pathlib.Path
) -> None:
    path, features = str(tmp_path / file), features_of(names)
    if file == "model.keras":
        model.save(path)
        loaded = tfrs_afm.models.load_model(path)
    else:
        model.save_weights(path)
        loaded = made(names)
        loaded.load_weights(path)
    np.testing.assert_allclose(loaded(features), model(features), atol=1e-6)


@pytest.mark.long
def test_a_saved_model_has_an_input_for_each(
    names: list[str], model: Model, tmp_path: pathlib.Path
) -> None:
    tf.saved_model.save(model, str(tmp_path))
    signature = tf.saved_model.load(str(tmp_path)).signatures["serving_default"]
    assert len(signature.structured_input_signature[1]) == len(names)


def test_names_that_worked_before_stay_those_of_variables() -> None:
    for name in ("film", "film_id", "x/y", "a.b-c", "film_embedding/linear", "a>b", "X9"):
        assert scope_name(name, root=True) == scope_name(name, root=False) == name
    assert scope_name("_lead", root=False) == "_lead"  # below other scopes it was one


@hypothesis.given(st.sets(st.text(max_size=6), min_size=2), st.booleans())
def test_any_name_gives_a_scope_of_its_own(names: set[str], root: bool) -> None:
    scopes = {name: scope_name(name, root=root) for name in names}
    assert len(set(scopes.values())) == len(names)
    for scope in scopes.values():
        with tf.Graph().as_default(), tf.name_scope("" if root else "outer"), tf.name_scope(scope):
            assert tf.constant(1).op.name.startswith(scope if root else "outer/")
