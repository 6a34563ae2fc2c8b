"""Models of somebody's own with Keras preprocessing in front of our columns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs

import serving
import tfrs_afm

fc = tf.feature_column
USERS = ["ann", "bob", "cy"]
TITLES = ["the long way home", "way out", "home", "a way"]


class Ranker(tfrs.Model):
    """Words to ids, numbers to z-scores and buckets: what our columns read is made in here."""

    def __init__(self) -> None:
        super().__init__()
        self.user_ids = tf.keras.layers.StringLookup(vocabulary=USERS)
        self.words = tf.keras.layers.TextVectorization(20, output_sequence_length=4)
        self.words.adapt(TITLES)
        self.z_score = tf.keras.layers.Normalization(axis=None, mean=40.0, variance=100.0)
        self.decade = tf.keras.layers.Discretization([20.0, 30.0, 40.0])
        self.hashed = tf.keras.layers.Hashing(8)
        self.embed = tfrs_afm.FieldEmbedding(
            [
                self.ids("user", 4),
                self.ids("words", 20, fc.sequence_categorical_column_with_identity),
                self.ids("decade", 4),
                self.ids("city", 8),
                fc.numeric_column("age"),
            ],
            4,
        )
        self.task = tfrs_afm.tasks.AFM(attention_units=4)

    @staticmethod
    def ids(name: str, size: int, make: Any = fc.categorical_column_with_identity) -> Any:
        return fc.embedding_column(make(name, size), 4)

    def call(self, features: Any) -> Any:
        age = tf.cast(features["age"], tf.float32)
        made = {
            "user": self.user_ids(features["user"]),
            "words": self.words(features["title"]),
            "decade": self.decade(age),
            "city": self.hashed(features["city"]),
            "age": self.z_score(age),
        }
        return tf.sigmoid(self.task.logits(*self.embed(made)))

    def compute_loss(self, inputs: Any, training: bool = False) -> Any:
        features, labels = inputs
        return tf.reduce_mean(tf.keras.losses.binary_crossentropy(labels, self(features)))


def features(dtype: Any = np.int32) -> dict[str, np.ndarray]:
    return {
        "user": np.array(["ann", "cy", "dan", "bob"]),
        "title": np.array([*TITLES[:3], "home alone"]),
        "city": np.array(["rome", "oslo", "rome", ""]),
        "age": np.array([20, 33, 47, 61], dtype),
        "rating": np.array([1.0, 0.0, 1.0, 0.0], np.float32),  # nothing that the answer needs
    }


def rows() -> list[dict[str, Any]]:
    given = {name: values for name, values in features().items() if name != "rating"}
    return [{name: values[row].item() for name, values in given.items()} for row in range(4)]


def fitted() -> Ranker:
    model = Ranker()
    model.compile(tf.keras.optimizers.Adagrad(0.5))
    labels = np.array([[1.0], [0.0], [1.0], [0.0]], np.float32)
    model.fit(tf.data.Dataset.from_tensors((features(), labels)), epochs=2, verbose=0)
    return model


SPECS: dict[str, Callable[[], Any]] = {
    "found": lambda: None,
    "tensors": lambda: {
        **{name: tf.TensorSpec([None], tf.string) for name in ("user", "title", "city")},
        "age": tf.TensorSpec([None], tf.int32),
    },
    "parsed": lambda: {
        **{name: tf.io.FixedLenFeature([], tf.string) for name in ("user", "title", "city")},
        "age": tf.io.FixedLenFeature([], tf.int64, 33),
    },
}


@pytest.mark.long
@pytest.mark.parametrize(
    "way", ["found", *(pytest.param(way, marks=pytest.mark.long) for way in ("tensors", "parsed"))]
)
def test_preprocessing_layers_are_part_of_what_is_served(way: str, tmp_path: Path) -> None:
    model = fitted()
    expected = model(features()).numpy()[:, 0]
    assert np.ptp(expected) > 0.01
    version = serving.export(
        model,
        tmp_path / "model",
        features=SPECS[way](),
        candidate_features=["title"] if way == "found" else None,
    )
    with serving.Client(version) as client:
        np.testing.assert_allclose(client.predict(rows()), expected, atol=1e-6)
        if way == "found":
            titles = [{"title": row["title"]} for row in rows()]
            context = {name: value for name, value in rows()[0].items() if name != "title"}
            ranked = client.rank(context, titles)
            np.testing.assert_allclose(ranked[0], expected[0], atol=1e-6)
            assert np.ptp(ranked) > 1e-3
        if way == "parsed":
            lacks = [{name: row[name] for name in row if name != "age"} for row in rows()[1:2]]
            np.testing.assert_allclose(client.predict(lacks), expected[1:2], atol=1e-6)
        with pytest.raises(serving.client.FeatureError, match="rating"):
            client.predict([{**rows()[0], "rating": 1.0}])
    session = serving.Session(version)
    assert {"regression", "rank", "tensors"} <= set(session.signatures)
    given = features(np.int64)
    arrays = {name: given[name].astype(object) for name in ("user", "title", "city")}
    answers = session.run("tensors", {**arrays, "age": given["age"]})
    np.testing.assert_allclose(answers["predictions"], expected, atol=1e-6)


@pytest.mark.long
def test_lists_are_taken_as_the_model_takes_them(tmp_path: Path) -> None:
    class Words(tf.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.lookup = tf.keras.layers.StringLookup(vocabulary=["a", "b", "c"])
            column = fc.sequence_categorical_column_with_identity("ids", 4)
            self.embed = tfrs_afm.FieldEmbedding([fc.embedding_column(column, 4)])
            self.task = tfrs_afm.tasks.AFM(attention_units=4)

        def call(self, features: Any) -> Any:
            assert isinstance(features["tags"], tf.RaggedTensor)
            ids = tf.ragged.map_flat_values(self.lookup, features["tags"])
            return self.task.logits(*self.embed({"ids": ids}))

    model = Words()
    tags = [["a", "b"], [], ["c"]]
    expected = model({"tags": tf.ragged.constant(tags, dtype=tf.string)}).numpy()[:, 0]
    version = serving.export(model, tmp_path / "model")
    with serving.Client(version) as client:
        np.testing.assert_allclose(
            client.predict([{"tags": one} for one in tags]), expected, atol=1e-6
        )


@pytest.mark.long
def test_words_that_become_the_ids_of_a_column_of_the_same_name_are_found(tmp_path: Path) -> None:
    class Same(tf.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.lookup = tf.keras.layers.StringLookup(vocabulary=USERS)
            self.embed = tfrs_afm.FieldEmbedding([Ranker.ids("user", 4)])
            self.task = tfrs_afm.tasks.AFM(attention_units=4)

        def call(self, features: Any) -> Any:
            return self.task.logits(*self.embed({"user": self.lookup(features["user"])}))

    model, names = Same(), ["ann", "cy", "dan"]
    model({"user": tf.constant(names)})
    for weight in model.trainable_variables:
        weight.assign(tf.random.normal(weight.shape))
    expected = model({"user": tf.constant(names)}).numpy()[:, 0]
    assert np.ptp(expected) > 0.01
    version = serving.export(model, tmp_path / "model")
    with serving.Client(version) as client:
        np.testing.assert_allclose(
            client.predict([{"user": name} for name in names]), expected, atol=1e-6
        )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "the features that the model reads"),
        ({"age": tf.float32}, "Give a tf.TensorSpec of the batch"),
        ({"age": tf.TensorSpec([None, None], tf.float32)}, "give a tf.RaggedTensorSpec"),
        ({"age": tf.TensorSpec([], tf.float32)}, "give a tf.RaggedTensorSpec"),
        ({"age": tf.TensorSpec([None], tf.complex64)}, "whole numbers, floats and strings"),
        ({"age": tf.RaggedTensorSpec([None, None, None], tf.int64)}, "no lists of lists"),
    ],
)
def test_features_of_another_form_are_named(given: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"`features` must hold (?s:.*){said}"):
        serving.export(Ranker(), tmp_path / "model", features=given)


def test_a_model_that_reads_what_nobody_named_says_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="say which in `features`"):
        serving.export(Ranker(), tmp_path / "model")
