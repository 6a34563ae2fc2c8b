"""TFRS' tutorial "Recommending movies: ranking", with AFM in place of the tower.

A user, a title, and the stars that are predicted:

    python -m examples.tfrs.basic_ranking
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

import tfrs_afm  # before TFRS, which asks for the Keras that this selects

# isort: split
import tensorflow_recommenders as tfrs

import serving
from examples.tfrs import films
from examples.tfrs.round_trip import round_trip, rows

fc = tf.feature_column


@tf.keras.utils.register_keras_serializable("examples.tfrs")
class RatingModel(tfrs.Model):
    """Predicts stars. The words are looked up by the columns themselves."""

    def __init__(self) -> None:
        super().__init__()
        vocabularies = {"user_id": films.USERS, "movie_title": films.TITLES}
        columns = [
            fc.embedding_column(fc.categorical_column_with_vocabulary_list(name, words), 8)
            for name, words in vocabularies.items()
        ]
        self.embed = tfrs_afm.FieldEmbedding(columns)
        self.task = tfrs_afm.tasks.AFM(
            attention_units=8,
            loss=tfrs_afm.tasks.losses.ClippedSquaredError(1.0, 5.0),
            metrics=[tf.keras.metrics.RootMeanSquaredError(name="rmse")],
        )

    def call(self, features: Mapping[str, Any], training: bool = False) -> tf.Tensor:
        """The logits (batch, 1)."""
        return self.task.logits(*self.embed(features), training=training)

    def compute_loss(self, inputs: tuple[Any, ...], training: bool = False) -> tf.Tensor:
        """The squared error, and the metric with it."""
        features, stars = inputs
        return self.task.loss(stars, self(features, training=training), training=training)


NAMES = ("user_id", "movie_title")


def read(count: int, seed: int) -> tuple[dict[str, Any], Any]:
    """Ratings, with what the model reads of them."""
    features, stars = films.ratings(count, seed)
    return {name: features[name] for name in NAMES}, stars


def trained() -> tuple[RatingModel, dict[str, float]]:
    """A model after training, and its scores on ratings that it has not seen."""
    model = RatingModel()
    model.compile(tf.keras.optimizers.Adagrad(0.3))
    model.fit(films.batches(*read(5000, seed=0)), epochs=12, verbose=0)
    scores = model.evaluate(films.batches(*read(1000, seed=1)), return_dict=True, verbose=0)
    return model, scores


def ask_server(version: Any, features: Mapping[str, Any]) -> list[float]:
    """The answers of a local server, over gRPC."""
    options = serving.ServerOptions(model_name="stars", model_base_path=str(Path(version).parent))
    with (
        serving.LocalServer(options) as server,
        serving.Client(server.grpc_address, "stars", version) as client,
    ):
        return list(client.predict(rows(features)))


def main() -> None:
    """Trains, saves, exports, serves and explains."""
    model, scores = trained()
    print(f"rmse {scores['rmse']:.2f}; the noise of the stars is {films.NOISE}")
    features, _ = read(3, seed=2)
    with tempfile.TemporaryDirectory() as folder:
        trip = round_trip(model, features, Path(folder))
        print("model", trip.model, "loaded", trip.loaded, "served", trip.served)
        print("server", ask_server(trip.version, features))
    explanation = tfrs_afm.explain(model, features)
    print(explanation.top_pairs(row=0))


if __name__ == "__main__":
    main()
