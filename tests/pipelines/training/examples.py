"""A small data set, and models that are quickly trained on it."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

import tfrs_afm

ROWS = 48


def rows(seed: int = 0) -> tuple[dict[str, Any], Any]:
    """Two ids, a list of ids, and a label that depends on all of them."""
    draw = np.random.default_rng(seed)
    film, user = draw.integers(0, 12, ROWS), draw.integers(0, 9, ROWS)
    lists = [draw.integers(0, 12, size).tolist() for size in draw.integers(0, 4, ROWS)]
    seen = tf.ragged.constant(lists, dtype=tf.int64)
    labels = ((film + user + np.asarray([len(one) for one in lists])) % 2).astype(np.float32)
    return {"film": film, "user": user, "seen": seen}, labels[:, np.newaxis]


def batches(size: int = 8, seed: int = 0) -> Callable[[int, int], Any]:
    """Batches in an order that is a function of the epoch."""
    features, labels = rows(seed)

    def of(epoch: int, skip: int) -> Any:
        # Not `shuffle` of tf.data: its order depends on the global seed too.
        order = np.random.default_rng([seed, epoch]).permutation(ROWS)
        ordered = {name: tf.gather(values, order) for name, values in features.items()}
        examples = tf.data.Dataset.from_tensor_slices((ordered, labels[order])).batch(size)
        return examples.skip(skip).map(as_sparse)

    return of


def as_sparse(features: dict[str, Any], labels: Any) -> tuple[dict[str, Any], Any]:
    """Lists in the form in which `tf.io.parse_example` gives them."""
    return {**features, "seen": features["seen"].to_sparse()}, labels


def validation(size: int = 10) -> Any:
    """Batches that training does not see."""
    return tf.data.Dataset.from_tensor_slices(rows(1)).batch(size).map(as_sparse)


class Tiny(tfrs.Model):
    """Tables, one of them read by two features, dropout and a sum: quick to trace."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.films = tf.keras.layers.Embedding(12, 4, name="films")
        self.users = tf.keras.layers.Embedding(9, 4, name="users")
        self.drop = tf.keras.layers.Dropout(dropout)
        self.top = tf.keras.layers.Dense(1, name="top")
        self.task = tfrs.tasks.Ranking(
            tf.keras.losses.BinaryCrossentropy(from_logits=True),
            metrics=[tf.keras.metrics.AUC(from_logits=True, name="auc")],
        )
        self.mean_loss = tf.keras.metrics.Mean("loss")

    def call(self, features: Any, training: bool = False) -> Any:
        seen = features["seen"]
        rows = tf.nn.safe_embedding_lookup_sparse(self.films.embeddings, seen, combiner="sum")
        parts = [self.films(features["film"]), self.users(features["user"]), rows]
        return self.top(self.drop(tf.concat(parts, 1), training=training))

    def compute_loss(self, inputs: Any, training: bool = False) -> Any:
        features, labels, *weights = inputs
        logits = self(features, training=training)
        weight = weights[0] if weights else None
        loss = self.task(labels=labels, predictions=logits, sample_weight=weight)
        self.mean_loss.update_state(loss)
        return loss

    def get_config(self) -> dict[str, Any]:
        return {"dropout": self.drop.rate}


def model(optimizer: Any = None, seed: int = 3, dropout: float = 0.3) -> Any:
    """A small model with its variables made."""
    tf.keras.utils.set_random_seed(seed)
    made = Tiny(dropout)
    made.films.build(None)
    made(next(iter(validation()))[0])
    made.compile(tfrs_afm.optimizers.Adam(0.02) if optimizer is None else optimizer)
    return made


def afm(optimizer: Any = None, seed: int = 3, dropout: float = 0.3, metrics: Any = None) -> Any:
    """An AFM with both kinds of dropout over tables, one of them of a list of ids."""
    fc = tf.feature_column
    tf.keras.utils.set_random_seed(seed)
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(name, size), 4)
        for name, size in (("film", 12), ("user", 9), ("seen", 12))
    ]
    task = tfrs_afm.tasks.AFM(4, dropout, attention_dropout=dropout, metrics=metrics)
    made = tfrs_afm.models.AFM(columns, task=task)
    made.build_from_config({})
    made.compile(tfrs_afm.optimizers.Adam(0.02) if optimizer is None else optimizer)
    return made


def weights(trained: Any) -> dict[str, Any]:
    """Every weight and slot, by name without the numbers that Keras appends."""
    variables = [*trained.weights, *trained.optimizer.variables]
    return {
        f"{number} {re.sub(r'_[0-9]+', '', one.name)}": one.numpy()
        for number, one in enumerate(variables)
    }


def numbers(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What of a learning curve does not depend on the clock."""
    clock = {"seconds", "examples_per_second", "step_seconds", "input_wait"}
    return [{name: one[name] for name in one if name not in clock} for one in records]
