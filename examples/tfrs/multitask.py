"""TFRS' tutorial "Multi-task recommenders": what is seen, and how it is rated, from one embedding.

One `FieldEmbedding` feeds two tasks. Retrieval is TFRS' own, over the dot product of the vectors of
user and film; the stars are those of our AFM over the same two fields:

    python -m examples.tfrs.multitask
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

import tfrs_afm  # before TFRS, which asks for the Keras that this selects

# isort: split
import tensorflow_recommenders as tfrs

from examples.tfrs import films
from examples.tfrs.round_trip import round_trip

fc = tf.feature_column
VOCABULARIES = {"user_id": films.USERS, "movie_title": films.TITLES}


@tf.keras.utils.register_keras_serializable("examples.tfrs")
class JointModel(tfrs.Model):
    """Scores how likely a film is seen, and predicts its stars.

    Args:
        seen_weight: Weight of the loss of retrieval.
        stars_weight: Weight of the loss of the stars.
    """

    def __init__(self, seen_weight: float = 1.0, stars_weight: float = 1.0) -> None:
        super().__init__()
        self.seen_weight, self.stars_weight = seen_weight, stars_weight
        columns = [
            fc.embedding_column(fc.categorical_column_with_vocabulary_list(name, words), 8)
            for name, words in VOCABULARIES.items()
        ]
        self.embed = tfrs_afm.FieldEmbedding(columns)
        self.stars = tfrs_afm.tasks.AFM(
            attention_units=8,
            loss=tfrs_afm.tasks.losses.ClippedSquaredError(1.0, 5.0),
            metrics=[tf.keras.metrics.RootMeanSquaredError(name="rmse")],
        )
        self.seen = tfrs.tasks.Retrieval()

    def call(self, features: Mapping[str, Any], training: bool = False) -> dict[str, tf.Tensor]:
        """The score of both, each (batch, 1); under these names they are served."""
        fields = self.embed(features)
        logits = self.stars.logits(*fields, training=training)
        user, film = tf.unstack(fields.vectors, axis=1)  # each (batch, dim)
        return {
            "seen": tf.reduce_sum(user * film, axis=1, keepdims=True),
            "stars": self.stars.predictions(logits),
        }

    def compute_loss(self, inputs: tuple[Any, ...], training: bool = False) -> tf.Tensor:
        """The weighted sum; the other films of a batch are retrieval's negatives."""
        features, stars = inputs
        fields = self.embed(features)
        user, film = tf.unstack(fields.vectors, axis=1)
        seen = self.seen(user, film, candidate_ids=features["movie_title"])  # a sum
        seen /= tf.cast(tf.shape(stars)[0], tf.float32)
        return self.seen_weight * seen + self.stars_weight * self.stars(
            stars, *fields, training=training
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments: Keras makes the model again from them."""
        return {"seen_weight": self.seen_weight, "stars_weight": self.stars_weight}


def read(count: int, seed: int) -> tuple[dict[str, Any], Any]:
    """Ratings, with what the model reads of them."""
    features, stars = films.ratings(count, seed)
    return {name: features[name] for name in VOCABULARIES}, stars


def trained() -> JointModel:
    """A model after training."""
    model = JointModel()
    model.compile(tf.keras.optimizers.Adagrad(0.3))
    train = films.batches(*read(5000, seed=0))
    model.fit(train, epochs=12, verbose=0)
    model(next(iter(train))[0])  # Keras 2 saves how to build a model once it was called itself
    return model


def main() -> None:
    """Trains, saves, exports, serves and explains."""
    model = trained()
    scores = model.evaluate(films.batches(*read(1000, seed=1)), return_dict=True, verbose=0)
    print(f"rmse of the stars {scores['rmse']:.2f}")
    features, _ = read(3, seed=2)
    with tempfile.TemporaryDirectory() as folder:
        trip = round_trip(model, features, Path(folder))
        print("model", trip.model, "loaded", trip.loaded, "served", trip.served)
    print(tfrs_afm.explain(model.embed, model.stars, features).top_pairs(row=0))


if __name__ == "__main__":
    main()
