"""Features in another form than at the first call give what they give a fresh layer or model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

FC = tf.feature_column


def columns() -> list[Any]:
    user = FC.categorical_column_with_identity("user", 9)
    history = FC.sequence_categorical_column_with_identity("history", 9)
    return [FC.embedding_column(user, 3), FC.embedding_column(history, 3), FC.numeric_column("age")]


MAKERS: dict[str, Callable[[], Any]] = {
    "fields": lambda: tfrs_afm.FieldEmbedding(columns()),
    "ids": lambda: tfrs_afm.IdEmbedding(columns()[:2]),
    "sequences": lambda: tfrs_afm.SequenceEmbedding(columns()[1:2]),
    "afm model": lambda: tfrs_afm.models.AFM(columns(), attention_units=2),
    "deepfm model": lambda: tfrs_afm.models.DeepFM(columns(), units=[2]),
}


def features(batch: int, longest: int, **changed: Callable[[Any], Any]) -> dict[str, Any]:
    """Sparse histories, and a column each of users and ages, but for what is changed."""
    rows = [[(row + place) % 9 for place in range(row % longest + 1)] for row in range(batch)]
    values = tf.constant([one for row in rows for one in row], tf.int64)
    history = tf.RaggedTensor.from_row_lengths(values, [len(row) for row in rows])
    plain = {
        "user": tf.constant([[row % 9] for row in range(batch)], tf.int64, [batch, 1]),
        "history": history,
        "age": tf.constant([[row / 4] for row in range(batch)], tf.float32, [batch, 1]),
    }
    usual = {"history": lambda one: one.to_sparse()}
    return {name: {**usual, **changed}.get(name, tf.identity)(one) for name, one in plain.items()}


def flat(value: Any) -> Any:
    return value[:, 0]


def as_int32(value: Any) -> Any:
    return tf.cast(value, tf.int32)


FIRST = features(2, 3)
CALLS: dict[str, dict[str, Any]] = {
    "more rows": features(3, 3),
    "longer lists": features(8, 7),
    "one row": features(1, 1),
    "(batch,)": features(3, 3, user=flat, age=flat),
    "int32": features(3, 3, user=as_int32, history=as_int32),
    "ragged": features(3, 3, user=tf.RaggedTensor.from_tensor, history=lambda one: one),
    "dense": features(3, 3, history=lambda one: one.to_tensor(-1)),
    "sparse": features(3, 3, user=tf.sparse.from_dense),
    "whole numbers": features(3, 3, age=as_int32),
    "float64": features(3, 3, age=lambda one: tf.cast(one, tf.float64)),
    "no row": features(0, 3),
    "a feature more": {**features(3, 3), "other": tf.ones([3])},
    "the first again": FIRST,
}


def eagerly(call: Any) -> Any:
    return call


def outcome(layer: Any, given: dict[str, Any], how: Callable[[Any], Any]) -> Any:
    try:
        found = how(lambda one: layer(one))(given)
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        return error
    return [np.asarray(one) for one in tf.nest.flatten(found) if one is not None]


@pytest.mark.matrix
@pytest.mark.parametrize(
    "how",
    [
        pytest.param(eagerly, id="eager"),
        pytest.param(tf.function, id="function", marks=pytest.mark.long),
    ],
)
@pytest.mark.parametrize("name", MAKERS)
def test_a_call_after_others_is_that_of_a_fresh_layer(name: str, how: Any) -> None:
    used = MAKERS[name]()
    outcome(used, FIRST, how)
    weights = used.get_weights()
    for kind, given in CALLS.items():
        fresh = MAKERS[name]()
        outcome(fresh, given, eagerly)
        after = outcome(used, given, how)
        fresh.set_weights(weights)
        alone = outcome(fresh, given, eagerly)
        assert not isinstance(alone, Exception), (kind, alone)
        assert not isinstance(after, Exception), (kind, after)
        for ours, expected in zip(after, alone, strict=True):
            np.testing.assert_allclose(ours, expected, atol=1e-6, err_msg=kind)
