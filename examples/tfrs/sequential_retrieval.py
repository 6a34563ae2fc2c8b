"""TFRS' tutorial "Recommending movies: retrieval using a sequential model", with our embeddings.

A history of films, of any length, becomes a query; the next film is the candidate that scores
highest by a dot product. `SequenceEmbedding` gives a GRU each film with a mask, `FieldEmbedding`
pools the same table, and what is padded counts in neither. What is served is TFRS' index, as a
SavedModel. Two things do not apply: `serving.export` is for models that answer with one number an
example, and a dot product of towers has no pairs of fields to explain:

    python -m examples.tfrs.sequential_retrieval
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
from examples.tfrs.round_trip import saved_and_loaded

fc = tf.feature_column
layers = tf.keras.layers
DIM = 16


@tf.keras.utils.register_keras_serializable("examples.tfrs")
class Query(tf.keras.Model):
    """The tower of the history: a GRU over its films, beside their mean."""

    def __init__(self) -> None:
        super().__init__()
        words = fc.sequence_categorical_column_with_vocabulary_list("history", films.TITLES)
        columns = [fc.embedding_column(words, DIM)]
        self.sequence = tfrs_afm.SequenceEmbedding(columns)
        self.pooled = tfrs_afm.FieldEmbedding(columns, linear=False, tables=self.sequence.tables)
        self.recurrent = layers.GRU(DIM)
        self.projection = layers.Dense(DIM)

    def call(self, features: Mapping[str, Any]) -> tf.Tensor:
        """The queries (batch, dim)."""
        films_seen = self.sequence(features)
        name = self.sequence.fields[0].name
        state = self.recurrent(films_seen.embeddings[name], mask=films_seen.masks[name])
        mean = self.pooled(features).vectors[:, 0]
        return self.projection(tf.concat([state, mean], axis=1))


@tf.keras.utils.register_keras_serializable("examples.tfrs")
class NextFilm(tfrs.Model):
    """Two towers, and TFRS' task of retrieval."""

    def __init__(self) -> None:
        super().__init__()
        self.query = Query()
        words = fc.categorical_column_with_vocabulary_list("movie_title", films.TITLES)
        self.candidate = tfrs_afm.FieldEmbedding([fc.embedding_column(words, DIM)], linear=False)
        self.task = tfrs.tasks.Retrieval()

    def call(self, features: Mapping[str, Any]) -> tuple[tf.Tensor, tf.Tensor]:
        """The vectors of histories and of films, each (batch, dim)."""
        return self.query(features), self.candidate(features).vectors[:, 0]

    def compute_loss(self, inputs: tuple[Any, ...], training: bool = False) -> tf.Tensor:
        """The softmax over the films of the batch."""
        features = inputs[0]
        return self.task(*self(features), candidate_ids=features["movie_title"])


def trained() -> NextFilm:
    """A model after training."""
    model = NextFilm()
    model.compile(tf.keras.optimizers.Adam(0.01))
    visits = films.visits(4000, seed=0)
    model.fit(films.batches(visits, visits["movie_title"], 100), epochs=4, verbose=0)
    return model


def index_of(model: NextFilm, k: int = 10) -> tfrs.layers.factorized_top_k.BruteForce:
    """TFRS' index: histories to the k best films and their scores."""
    index = tfrs.layers.factorized_top_k.BruteForce(model.query, k=k)
    titles = tf.constant(films.TITLES)
    index.index(model.candidate({"movie_title": titles}).vectors[:, 0], titles)
    return index


def saved_index(index: Any, histories: Mapping[str, Any], folder: Path) -> Any:
    """The index as a SavedModel, loaded again; it is called once, so that it knows its inputs."""
    index(histories)
    tf.saved_model.save(index, str(folder / "index"))
    return tf.saved_model.load(str(folder / "index"))


def main() -> None:
    """Trains, saves, makes an index, and asks it."""
    model = trained()
    visits = films.visits(3, seed=2)
    with tempfile.TemporaryDirectory() as folder:
        loaded = saved_and_loaded(model, Path(folder))
        print("loaded = model:", bool(tf.reduce_all(loaded(visits)[0] == model(visits)[0])))
        histories = {"history": visits["history"]}
        _, titles = saved_index(index_of(model), histories, Path(folder))(histories)
    for history, found in zip(histories["history"], titles[:, :3], strict=True):
        print(history.numpy().tolist(), "->", found.numpy().tolist())


if __name__ == "__main__":
    main()
