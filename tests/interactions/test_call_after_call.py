"""A call does after others what it does alone: the answer of a fresh layer, or its error."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.interactions.test_contract import LAYERS
from tfrs_afm import interactions, tasks

RNG = np.random.default_rng(4)
TASKS: dict[str, Callable[[], Any]] = {
    "afm task": lambda: tasks.AFM(2),
    "deepfm task": lambda: tasks.DeepFM([3]),
}
MAKERS: dict[str, Callable[[], Any]] = {
    **{name: make for name, (make, _, _) in LAYERS.items()},
    **TASKS,
}


def vectors(batch: int, n: int = 4, dim: int = 3) -> Any:
    return tf.constant(RNG.normal(size=(batch, n, dim)), tf.float32)


MASK = tf.constant(RNG.random((3, 4)) < 0.7)
FIRST = (vectors(2), None)
CALLS: dict[str, tuple[Any, Any]] = {
    "another batch": (vectors(3), MASK),
    "one row": (vectors(1), None),
    "no row": (vectors(0), None),
    "more members": (vectors(2, 7), None),
    "one member": (vectors(2, 1), None),
    "longer vectors": (vectors(2, 4, 5), None),
    "another rank": (tf.ones([2, 4]), None),
    "a rank more": (tf.ones([2, 4, 3, 1]), None),
    "a mask of another length": (vectors(3), tf.ones([3, 5], tf.bool)),
    "a mask of another batch": (vectors(3), tf.ones([2, 4], tf.bool)),
    "a mask that is turned round": (vectors(3), tf.transpose(MASK)),
    "a mask of numbers": (vectors(3), tf.cast(MASK, tf.int32)),
    "the first again": FIRST,
}


def eagerly(call: Any) -> Any:
    return call


def outcome(layer: Any, arguments: tuple[Any, Any], how: Callable[[Any], Any]) -> Any:
    call = layer.logits if isinstance(layer, tasks.AFM | tasks.DeepFM) else layer
    try:
        found = how(lambda *both: call(both[0], mask=both[1]))(*arguments)
    except (ValueError, TypeError, tf.errors.InvalidArgumentError) as error:
        return error
    return [np.asarray(one) for one in tf.nest.flatten(found)]


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
    assert not isinstance(outcome(used, FIRST, how), Exception)
    weights = used.get_weights()
    shapes = [one.shape for one in weights]
    for kind, arguments in CALLS.items():
        fresh = MAKERS[name]()
        alone = outcome(fresh, arguments, eagerly)
        after = outcome(used, arguments, how)
        if isinstance(alone, Exception) or [one.shape for one in fresh.get_weights()] != shapes:
            assert isinstance(after, Exception), kind  # also where weights are of other sizes
        else:
            fresh.set_weights(weights)
            for ours, expected in zip(after, outcome(fresh, arguments, eagerly), strict=True):
                np.testing.assert_allclose(ours, expected, atol=1e-5, err_msg=kind)


WHOLE = [
    "factorization_machine",
    "pairwise_product",
    "afm",
    "afm_with_tower",
    "gated_afm",
    "deepfm",
]
SAID = {
    "another rank": r"`vectors` must be \(batch, n, dim\)",
    "a rank more": r"`vectors` must be \(batch, n, dim\)",
    "a mask of another length": r"`mask` must be \(batch, n\)",
    "a mask of another batch": r"`mask` must be \(batch, n\)",
    "a mask that is turned round": r"`mask` must be \(batch, n\)",
    "a mask of numbers": r"`mask` must be bool. Received: mask of int32",
}


@pytest.mark.matrix
@pytest.mark.parametrize("kind", SAID)
@pytest.mark.parametrize("name", [*WHOLE, *TASKS])
def test_vectors_and_masks_of_other_shapes_are_named(name: str, kind: str) -> None:
    """A mask of (n, batch) was taken for one of (batch, n), and hid other members."""
    layer = MAKERS[name]()
    outcome(layer, FIRST, eagerly)
    with pytest.raises((ValueError, TypeError), match=SAID[kind]):
        raise outcome(layer, CALLS[kind], eagerly)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: interactions.AFM(2), "longer vectors", "the length .* with, 3"),
        (lambda: interactions.Deep([2]), "longer vectors", "the length .* with, 3"),
        (lambda: interactions.Deep([2]), "more members", "the number .* with, 4"),
        (lambda: interactions.DeepFM([2]), "one member", "the number .* with, 4"),
        (lambda: interactions.FieldGate(interactions.AFM(2)), "more members", "number .* with, 4"),
        (lambda: tasks.AFM(2), "longer vectors", "the length .* with, 3"),
    ],
)
def test_vectors_of_other_sizes_than_at_first_are_named(make: Any, kind: str, message: str) -> None:
    layer = make()
    outcome(layer, FIRST, eagerly)
    with pytest.raises(ValueError, match=f"`vectors` must have .*{message}"):
        raise outcome(layer, CALLS[kind], eagerly)
