"""What is served is the model: its whole call, whatever comes after our task."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs

import serving
import tfrs_afm
from serving.exporting.same_computation import same_computation

fc = tf.feature_column
USERS = 1000


def columns() -> list[Any]:
    made = [fc.categorical_column_with_identity(name, USERS) for name in ("user", "film")]
    return [*(fc.embedding_column(column, 4) for column in made), fc.numeric_column("age")]


class Own(tfrs.Model):
    """Somebody's own model, which does something with what our task says."""

    def __init__(self, after: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.embed = tfrs_afm.FieldEmbedding(columns(), l2=0.01)
        self.task = tfrs_afm.tasks.AFM(attention_units=4, dropout=0.1)
        self.after = after

    def call(self, features: Any) -> Any:
        return self.after(features, self.task.logits(*self.embed(features)))


class Clipped(tfrs_afm.models.AFM):
    """A subclass of ours that overrides the call."""

    def call(self, features: Any, training: bool | None = None) -> Any:
        return tf.clip_by_value(super().call(features, training=training), 0.45, 0.55)


class Sure(tfrs_afm.models.AFM):
    """A subclass of ours that overrides what the call calls."""

    def logits(self, features: Any, *, training: bool | None = None) -> Any:
        return super().logits(features, training=training) * 3.0


def user_of(features: Any) -> Any:
    """The largest id, -1 where there is none."""
    ids = tf.pad(tf.sparse.to_dense(features["user"], -1), [[0, 0], [1, 0]], constant_values=-1)
    return tf.reduce_max(ids, axis=1, keepdims=True)


def rule(features: Any, logits: Any) -> Any:
    return tf.where(user_of(features) == 777, 0.0, tf.sigmoid(logits))


def of_age(features: Any, logits: Any) -> Any:
    return tf.where(tf.reshape(features["age"], [-1, 1]) > 99.0, 1.0, tf.sigmoid(logits))


def clip(features: Any, logits: Any) -> Any:
    return tf.clip_by_value(tf.sigmoid(logits), 0.2, 0.8)


def logits_alone(features: Any, logits: Any) -> Any:
    return logits


def calibrated(features: Any, logits: Any) -> Any:
    return tf.sigmoid(logits * 1.0000001 + 1e-7)  # nearer than any tolerance would tell


def second_head(features: Any, logits: Any) -> Any:
    """The score of one head where the other is sure."""
    other = tf.sin(tf.cast(user_of(features), tf.float32))
    return tf.where(other > 0.999, other, tf.sigmoid(logits))


def in_python(features: Any, logits: Any) -> Any:
    """What only AutoGraph can trace."""
    score, times = tf.sigmoid(logits), 0
    while times < tf.rank(logits):
        score, times = score * 0.9, times + 1
    return score


def patched_in_python() -> tf.keras.Model:
    model = tfrs_afm.models.AFM(columns(), attention_units=4)
    ours = model.call
    model.call = lambda features, training=None: in_python(
        features, ours(features, training=training)
    )
    return model


def patched() -> tf.keras.Model:
    model = tfrs_afm.models.AFM(columns(), attention_units=4)
    ours = model.call
    model.call = lambda features, training=None: 1.0 - ours(features, training=training)
    return model


MODELS: dict[str, Callable[[], tf.keras.Model]] = {
    "rule": lambda: Own(rule),
    "rule_on_age": lambda: Own(of_age),
    "clip": lambda: Own(clip),
    "calibrated": lambda: Own(calibrated),
    "second_head": lambda: Own(second_head),
    "subclass": lambda: Clipped(columns(), attention_units=4),
    "subclass_logits": lambda: Sure(columns(), attention_units=4),
    "patched": patched,
    "in_python": lambda: Own(in_python),
    "patched_in_python": patched_in_python,
}
PLAIN: dict[str, Callable[[], tf.keras.Model]] = {
    "ready": lambda: tfrs_afm.models.AFM(columns(), attention_units=4),
    "own_logits": lambda: Own(logits_alone),
    "own_sigmoid": lambda: Own(lambda features, logits: tf.sigmoid(logits)),
}


def rows(count: int = 64) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(3)
    users = draw.integers(0, USERS, count)
    users[:3] = [777, 776, 778]
    ages = draw.uniform(0, 120, count).astype(np.float32)
    return {"user": users, "film": draw.integers(0, USERS, count), "age": ages}


def same_answers(make: Callable[[], tf.keras.Model], folder: Path, *, ids: bool) -> Any:
    model, features = make(), rows()
    spread = {
        name: tf.sparse.from_dense(values[:, np.newaxis] + 1)
        if name != "age"
        else tf.constant(values[:, np.newaxis])
        for name, values in features.items()
    }
    for name in ("user", "film"):  # from_dense drops zeros, so ids travel one higher
        sparse = spread[name]
        spread[name] = tf.SparseTensor(sparse.indices, sparse.values - 1, sparse.dense_shape)
    expected = np.asarray(model(spread)).ravel()
    if getattr(model, "after", None) is logits_alone:  # predictions are those of its task
        expected = 1 / (1 + np.exp(-expected))
    version = serving.export(model, folder / "model", candidate_features=["film"])
    plain = [dict(zip(features, row, strict=True)) for row in zip(*features.values(), strict=True)]
    plain = [{name: value.item() for name, value in row.items()} for row in plain]
    with serving.Client(version) as client:
        served = client.predict(plain)
        ranked = [
            client.rank(
                {k: v for k, v in row.items() if k != "film"},
                [row["film"] if ids else {"film": row["film"]}],
            )
            for row in plain[:4]
        ]
        signatures = serving.Session(version).signatures
    np.testing.assert_allclose(np.asarray(served).ravel(), expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.asarray(ranked).ravel(), expected[:4], rtol=0, atol=1e-6)
    return signatures


def quick(first: str, names: list[str]) -> list[Any]:
    """One of each kind among the quick tests: an export takes seconds."""
    return [first, *(pytest.param(n, marks=pytest.mark.long) for n in names if n != first)]


@pytest.mark.long
@pytest.mark.parametrize("name", quick("rule", list(MODELS)))
def test_what_comes_after_the_task_is_served_too(name: str, tmp_path: Path) -> None:
    assert "explain" not in same_answers(
        MODELS[name], tmp_path, ids=False
    )  # its parts are not all of it


@pytest.mark.long
@pytest.mark.parametrize("name", quick("own_sigmoid", list(PLAIN)))
def test_a_model_that_is_its_parts_is_explained_too(name: str, tmp_path: Path) -> None:
    assert "explain" in same_answers(PLAIN[name], tmp_path, ids=True)


def traced(function: Callable[[Any], Any], shape: tuple[int | None, ...] = (None,)) -> Any:
    return tf.function(function, [tf.TensorSpec(shape)]).get_concrete_function()


def test_graphs_are_told_apart_by_anything_that_matters() -> None:
    weight, other = tf.Variable(2.0), tf.Variable(2.0)

    def base(x: Any) -> Any:
        return tf.cond(tf.reduce_sum(x) > 0, lambda: x * weight, lambda: x - 1.0)

    def again(x: Any) -> Any:
        with tf.name_scope("elsewhere"):
            return tf.cond(tf.reduce_sum(x) > 0, lambda: x * weight, lambda: x - 1.0)

    different: list[Callable[[Any], Any]] = [
        lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * other, lambda: x - 1.0),
        lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x * weight, lambda: x - 1.1),
        lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x + weight, lambda: x - 1.0),
        lambda x: tf.cond(tf.reduce_sum(x) >= 0, lambda: x * weight, lambda: x - 1.0),
        lambda x: tf.cond(tf.reduce_sum(x) > 0, lambda: x - 1.0, lambda: x * weight),
        lambda x: tf.identity(base(x)) + 0.0,
    ]
    assert same_computation(traced(base), traced(again))
    for one in different:
        assert not same_computation(traced(base), traced(one))
