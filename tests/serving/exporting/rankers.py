"""Small trained models and their data for the exporter's tests."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

import tfrs_afm

fc = tf.feature_column
CANDIDATE_FEATURES = ["genres", "movie_id", "year"]


def columns(vocabulary: Path) -> list[Any]:
    """One column of every kind that the main job uses, and one that crosses both sides."""
    vocabulary.write_text("student\nwriter\nnurse\n")
    occupation = fc.categorical_column_with_vocabulary_file("occupation", str(vocabulary))
    history = fc.sequence_categorical_column_with_identity("history", 50)
    movie = fc.categorical_column_with_identity("movie_id", 50)
    genres = fc.categorical_column_with_vocabulary_list("genres", ["Drama", "War", "Horror"])
    gender = fc.categorical_column_with_vocabulary_list("gender", ["F", "M"], num_oov_buckets=1)
    year = fc.numeric_column("year", default_value=1990.0)
    return [
        fc.bucketized_column(year, [1980.0, 1990.0, 1995.0]),
        fc.embedding_column(fc.categorical_column_with_identity("user_id", 30, 0), 8),
        *tfrs_afm.shared_embeddings([history, movie], 8),
        fc.embedding_column(occupation, 8),
        fc.embedding_column(gender, 8),
        fc.indicator_column(genres),
        fc.embedding_column(fc.categorical_column_with_hash_bucket("zip", 20), 8),
        fc.numeric_column("age", default_value=30.0, normalizer_fn=lambda age: age / 50.0),
        fc.indicator_column(fc.crossed_column([gender, genres], 40)),
    ]


def small_columns() -> list[Any]:
    """A history and a film from one table, and a user."""
    history = fc.sequence_categorical_column_with_identity("history", 50)
    movie = fc.categorical_column_with_identity("movie_id", 50)
    user = fc.categorical_column_with_identity("user_id", 30, 0)
    return [*tfrs_afm.shared_embeddings([history, movie], 4), fc.embedding_column(user, 4)]


def examples(count: int = 64) -> list[Any]:
    """Random rows of these features; some lack some."""
    generator = np.random.default_rng(3)
    rows = []
    for row in range(count):
        example = tf.train.Example()
        put = example.features.feature
        put["user_id"].int64_list.value.append(int(generator.integers(30)))
        put["movie_id"].int64_list.value.append(int(generator.integers(50)))
        put["history"].int64_list.value.extend(generator.integers(50, size=row % 9).tolist())
        put["occupation"].bytes_list.value.append([b"writer", b"nurse", b"judge"][row % 3])
        put["gender"].bytes_list.value.append([b"F", b"M"][row % 2])
        put["genres"].bytes_list.value.extend([[b"War"], [b"War", b"Drama"], [b"New"]][row % 3])
        put["zip"].bytes_list.value.append(str(row).encode())
        if row % 4:
            put["year"].float_list.value.append(1975.0 + row % 25)
            put["age"].float_list.value.append(20.0 + row % 30)
        rows.append(example)
    return rows


def trained(model: Any, spread: float = 0.5, *, run_eagerly: bool = False) -> Any:
    """The model after a few steps with Adam, its tables well apart from zero."""
    embedding = next(p for p in model.submodules if isinstance(p, tfrs_afm.FieldEmbedding))
    rows = [one.SerializeToString() for one in examples()]
    features = tf.io.parse_example(rows, tfrs_afm.parse_spec(embedding.columns))
    labels = np.random.default_rng(5).integers(2, size=len(rows)).astype(np.float32)
    model.compile(tf.keras.optimizers.Adam(0.01), run_eagerly=run_eagerly)
    model.fit(tf.data.Dataset.from_tensors((features, labels)).repeat(3), verbose=0)
    for number, variable in enumerate(model.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, [number, 1], stddev=spread)
        variable.assign_add(tf.cast(noise, variable.dtype))
    return model


class OwnRanker(tfrs.Model):
    """Somebody's model around our layer and task; its call gives logits."""

    def __init__(self, columns: list[Any]) -> None:
        super().__init__()
        self.embed = tfrs_afm.FieldEmbedding(columns)
        self.task = tfrs_afm.tasks.AFM(attention_units=4)

    def call(self, features: Any) -> Any:
        return self.task.logits(*self.embed(features))

    def compute_loss(self, inputs: Any, training: bool = False) -> Any:
        features, labels = inputs
        return self.task(labels, *self.embed(features), training=training)


class WholeRanker(tfrs.Model):
    """Somebody's model around our layer, with a head that we know nothing of."""

    def __init__(self, columns: list[Any]) -> None:
        super().__init__()
        self.embed = tfrs_afm.FieldEmbedding(columns)
        self.head = tf.keras.layers.Dense(1)
        self.task = tfrs.tasks.Ranking(loss=tf.keras.losses.MeanSquaredError())

    def call(self, features: Any) -> Any:
        return self.head(tf.reduce_sum(self.embed(features).vectors, axis=1))

    def compute_loss(self, inputs: Any, training: bool = False) -> Any:
        features, labels = inputs
        return self.task(labels[:, tf.newaxis], self(features))
