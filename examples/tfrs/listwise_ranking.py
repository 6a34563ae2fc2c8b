"""TFRS' tutorial "Listwise ranking": the loss is of the order of a user's films.

TFRS' tutorial makes lists of films and takes its loss from TensorFlow Ranking. Here the batch stays
flat, one row a rating, and the loss finds its lists by a feature, the user's:

    python -m examples.tfrs.listwise_ranking
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

import serving
from examples.tfrs import films
from examples.tfrs.round_trip import round_trip

fc = tf.feature_column
LIST = 5  # films a user, as in the tutorial
LOSSES = {
    "listwise": tfrs_afm.tasks.losses.ListwiseSoftmax,
    "pairwise": tfrs_afm.tasks.losses.PairwiseLogistic,
}
NAMES = {"user_id": films.USERS, "movie_title": films.TITLES}


@tf.keras.utils.register_keras_serializable("examples.tfrs")
class ListModel(tfrs.Model):
    """Scores films for a user; only the order within a user counts.

    Args:
        loss: "listwise" or "pairwise".
    """

    def __init__(self, loss: str = "listwise") -> None:
        super().__init__()
        self.loss_name = loss
        columns = [
            fc.embedding_column(fc.categorical_column_with_vocabulary_list(name, words), 8)
            for name, words in NAMES.items()
        ]
        self.embed = tfrs_afm.FieldEmbedding(columns)
        self.task = tfrs_afm.tasks.AFM(
            attention_units=8,
            loss=LOSSES[loss]("user_id"),
            metrics=[tfrs_afm.tasks.metrics.GroupedAUC("user_id", name="auc")],
        )

    def call(self, features: Mapping[str, Any], training: bool = False) -> tf.Tensor:
        """The scores (batch, 1)."""
        return self.task.logits(*self.embed(features), training=training)

    def compute_loss(self, inputs: tuple[Any, ...], training: bool = False) -> tf.Tensor:
        """The loss of the lists; it reads the user of each row from the features."""
        features, gains = inputs
        scores = self(features, training=training)
        return self.task.loss(gains, scores, features=features, training=training)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments: Keras makes the model again from them."""
        return {"loss": self.loss_name}


def lists(count: int, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """Lists of films of one user each, one after the other, and whether a film was liked."""
    draw = np.random.default_rng(seed)
    user = np.repeat(draw.integers(len(films.USERS), size=count), LIST)
    film = draw.integers(len(films.TITLES), size=count * LIST)
    features = {"user_id": np.array(films.USERS)[user], "movie_title": np.array(films.TITLES)[film]}
    stars = films.liked(user, film, np.zeros(len(user))) + draw.normal(0, films.NOISE, len(user))
    return features, (stars > 3.2).astype(np.float32)


def trained(loss: str = "listwise") -> tuple[ListModel, dict[str, float]]:
    """A model after training, and its scores on lists that it has not seen."""
    model = ListModel(loss)
    model.compile(tf.keras.optimizers.Adam(0.02))
    model.fit(films.batches(*lists(1000, seed=0)), epochs=12, verbose=0)
    test = films.batches(*lists(200, seed=1))
    return model, model.evaluate(test, return_dict=True, verbose=0)


def ranked(version: Any, user: str, titles: list[str]) -> list[float]:
    """The served scores of a user's films, for which the user is looked up once."""
    with serving.Client(version) as client:
        return [float(score) for score in client.rank({"user_id": user}, titles)]


def main() -> None:
    """Trains with both losses; saves, exports, serves and explains the listwise one."""
    print(f"pairwise: auc of a user {trained('pairwise')[1]['auc']:.3f}")
    model, scores = trained()
    print(f"listwise: auc of a user {scores['auc']:.3f}")
    features, _ = lists(1, seed=2)
    with tempfile.TemporaryDirectory() as folder:
        trip = round_trip(model, features, Path(folder), candidate_features=["movie_title"])
        print("model", trip.model, "loaded", trip.loaded, "served", trip.served)
        print("ranked", ranked(trip.version, features["user_id"][0], films.TITLES[:3]))
    print(tfrs_afm.explain(model, features).top_pairs(row=0))


if __name__ == "__main__":
    main()
