"""TFRS' tutorial "Taking advantage of context features": Keras layers in front of our columns.

Words, a time and an age become ids and numbers in the model; the columns read what is made. Which
words there are and how times spread is learned by `adapt`, from the training ratings alone. The
words are then an argument of the model and so part of its configuration: beside the weights, where
Keras puts what a layer of the model learned, some releases of Python cannot read them back.

    python -m examples.tfrs.context_features
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import tfrs_afm  # before TFRS, which asks for the Keras that this selects

# isort: split
import tensorflow_recommenders as tfrs

from examples.tfrs import films
from examples.tfrs.round_trip import round_trip

fc = tf.feature_column
keras = tf.keras
WORDS = 50  # of titles, with padding and all that are unknown
# Bounds are given, not adapted: Keras 2 does not save those that `Discretization` learned.
AGES = [25.0, 35.0, 45.0, 55.0]
MONTHS = np.linspace(films.BEGIN, films.END, 8)[1:].tolist()


def ids(name: str, size: int, make: Any = fc.categorical_column_with_identity) -> Any:
    """A column that embeds the ids of a Keras layer."""
    return fc.embedding_column(make(name, size), 8)


@keras.utils.register_keras_serializable("examples.tfrs")
class ContextModel(tfrs.Model):
    """Predicts stars from the user, the title and its words, the age, and the time."""

    def __init__(self, words: Sequence[str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.vocabulary = tuple(words)
        self.users = keras.layers.StringLookup(vocabulary=films.USERS)
        self.titles = keras.layers.StringLookup(vocabulary=films.TITLES)
        self.words = keras.layers.TextVectorization(vocabulary=self.vocabulary)
        self.ages = keras.layers.Discretization(AGES)
        self.months = keras.layers.Discretization(MONTHS)
        self.z_score = keras.layers.Normalization(axis=None)
        self.embed = tfrs_afm.FieldEmbedding(
            [
                ids("user", len(films.USERS) + 1),
                ids("title", len(films.TITLES) + 1),
                ids(
                    "words", len(self.vocabulary) + 2, fc.sequence_categorical_column_with_identity
                ),
                ids("age", len(AGES) + 1),
                ids("month", len(MONTHS) + 1),
                fc.numeric_column("time"),
            ]
        )
        self.task = tfrs_afm.tasks.AFM(
            attention_units=8,
            loss=tfrs_afm.tasks.losses.ClippedSquaredError(1.0, 5.0),
            metrics=[keras.metrics.RootMeanSquaredError(name="rmse")],
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this model again."""
        return {"words": self.vocabulary}

    def made(self, features: Mapping[str, Any]) -> dict[str, tf.Tensor]:
        """What the columns read."""
        time = tf.cast(features["timestamp"], tf.float32)
        return {
            "user": self.users(features["user_id"]),
            "title": self.titles(features["movie_title"]),
            "words": padded(self.words(features["movie_title"])),
            "age": self.ages(features["user_age"]),
            "month": self.months(time),
            "time": self.z_score(time),
        }

    def call(self, features: Mapping[str, Any], training: bool = False) -> tf.Tensor:
        """The logits (batch, 1)."""
        return self.task.logits(*self.embed(self.made(features)), training=training)

    def compute_loss(self, inputs: tuple[Any, ...], training: bool = False) -> tf.Tensor:
        """The squared error, and the metric with it."""
        features, stars = inputs
        return self.task.loss(stars, self(features, training=training), training=training)


def words_of(titles: np.ndarray) -> list[str]:
    """The most frequent words of titles."""
    layer = keras.layers.TextVectorization(WORDS)
    layer.adapt(titles)
    return list(layer.get_vocabulary(include_special_tokens=False))


def padded(words: tf.Tensor) -> tf.Tensor:
    """The same ids with -1 for padding, our columns' sign for it; Keras' is 0."""
    return tf.where(words == 0, tf.constant(-1, words.dtype), words)


def trained() -> tuple[ContextModel, dict[str, float]]:
    """A model after training, and its scores on ratings that it has not seen."""
    features, stars = films.ratings(5000, seed=0)
    model = ContextModel(words_of(features["movie_title"]))
    model.z_score.adapt(features["timestamp"].astype(np.float32))
    model.compile(keras.optimizers.Adam(0.03))
    model.fit(films.batches(features, stars), epochs=15, verbose=0)
    test = films.batches(*films.ratings(1000, seed=1))
    return model, model.evaluate(test, return_dict=True, verbose=0)


def main() -> None:
    """Trains, saves, exports, serves and explains."""
    model, scores = trained()
    print(f"rmse {scores['rmse']:.2f}; without the time 0.38 would be the best")
    features, _ = films.ratings(3, seed=2)
    with tempfile.TemporaryDirectory() as folder:
        trip = round_trip(model, features, Path(folder))  # what it reads, it was fitted on
        print("model", trip.model, "loaded", trip.loaded, "served", trip.served)
    # What is before the embedding layer is no part of an explanation: it gets the parts.
    explanation = tfrs_afm.explain(model.embed, model.task, model.made(features))
    print(explanation.top_pairs(row=0))


if __name__ == "__main__":
    main()
