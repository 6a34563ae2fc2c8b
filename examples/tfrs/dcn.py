"""TFRS' tutorial "Deep & cross network": its `Cross` layer over our embedded columns.

What comes out of `FieldEmbedding` is flattened into one vector an example, as TFRS' layers take it,
so that what is missing is zeros there. The model is served as a whole. Two things of AFM do not
apply: its parts cannot be computed apart for `rank`, and there is no `explain`, for crossed
features have no pairs with a share of their own; the kernel is looked at in blocks instead:

    python -m examples.tfrs.dcn
"""

import tempfile
from collections.abc import Mapping
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
DIM = 8


def make_columns() -> list[Any]:
    """User, title, and the two halves of the time, embedded."""
    identity = fc.categorical_column_with_vocabulary_list
    half = (films.BEGIN + films.END) / 2
    time = fc.bucketized_column(fc.numeric_column("timestamp"), [half])
    return [
        fc.embedding_column(identity("user_id", films.USERS), DIM),
        fc.embedding_column(identity("movie_title", films.TITLES), DIM),
        fc.embedding_column(time, DIM),
    ]


@tf.keras.utils.register_keras_serializable("examples.tfrs")
class CrossModel(tfrs.Model):
    """Predicts stars by a cross layer and a tower."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = tfrs_afm.FieldEmbedding(make_columns(), linear=False)
        self.cross = tfrs.layers.dcn.Cross(kernel_initializer="glorot_uniform")
        self.tower = tf.keras.Sequential(
            [tf.keras.layers.Dense(32, activation="relu"), tf.keras.layers.Dense(1)]
        )
        self.task = tfrs.tasks.Ranking(
            loss=tf.keras.losses.MeanSquaredError(),
            metrics=[tf.keras.metrics.RootMeanSquaredError(name="rmse")],
        )

    def call(self, features: Mapping[str, Any]) -> tf.Tensor:
        """The stars (batch, 1)."""
        vectors = self.embed(features).vectors
        flat = tf.reshape(vectors, [-1, len(self.embed.fields) * DIM])  # (batch, n * dim)
        return self.tower(self.cross(flat))

    def compute_loss(self, inputs: tuple[Any, ...], training: bool = False) -> tf.Tensor:
        """The squared error, and the metric with it."""
        features, stars = inputs
        return self.task(labels=stars[:, tf.newaxis], predictions=self(features))


def block_norms(model: CrossModel) -> np.ndarray:
    """How much each field is crossed with each: norms (n, n) of the blocks of the kernel."""
    kernel = model.cross.weights[0].numpy()
    count = len(kernel) // DIM
    blocks = kernel.reshape(count, DIM, count, DIM)
    return np.sqrt(np.square(blocks).sum(axis=(1, 3)))


def read(count: int, seed: int) -> tuple[dict[str, Any], Any]:
    """Ratings, with what the model reads of them."""
    features, stars = films.ratings(count, seed)
    return {name: features[name] for name in ("user_id", "movie_title", "timestamp")}, stars


def trained() -> tuple[CrossModel, dict[str, float]]:
    """A model after training, and its scores on ratings that it has not seen."""
    model = CrossModel()
    model.compile(tf.keras.optimizers.Adam(0.01))
    model.fit(films.batches(*read(5000, seed=0), size=100), epochs=12, verbose=0)
    scores = model.evaluate(films.batches(*read(1000, seed=1)), return_dict=True, verbose=0)
    return model, scores


def main() -> None:
    """Trains, saves, exports and serves."""
    model, scores = trained()
    print(f"rmse {scores['rmse']:.2f}; the noise of the stars is {films.NOISE}")
    print("crossed:", block_norms(model).round(2).tolist())
    features, _ = read(3, seed=2)
    with tempfile.TemporaryDirectory() as folder:
        trip = round_trip(model, features, Path(folder))
        print("model", trip.model, "loaded", trip.loaded, "served", trip.served)


if __name__ == "__main__":
    main()
