"""Dropout that is a function of seed and step."""

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfrs_afm._host import RandomGenerator, layers_of, put_random_generator, random_generator
from tfrs_afm.types import Model


@contextlib.contextmanager
def step_randomness(model: Model, seed: int, step: Any) -> Iterator[None]:
    """Makes the random layers of a model draw by (seed, layer, step, replica) during the block.

    TensorFlow's stateful random operations remember how often they ran, and no checkpoint holds
    that: a run that goes on from one would drop other units than the run that was never stopped.

    Args:
        model: The model; its `Dropout`s and whatever else draws through Keras.
        seed: Any int.
        step: `()` int variable, the number of steps done.

    Yields:
        Nothing; to be wrapped around the tracing and the running of the steps.
    """
    layers = [layer for layer in layers_of(model) if random_generator(layer) is not None]
    former = [random_generator(layer) for layer in layers]
    for number, layer in enumerate(layers):
        put_random_generator(layer, _ByStep((seed, number), step))
    try:
        yield
    finally:
        for layer, generator in zip(layers, former, strict=True):
            put_random_generator(layer, generator)


class _ByStep(RandomGenerator):
    """A generator of Keras whose draws depend on nothing that ran before.

    Args:
        seeds: Two ints that tell this generator from others.
        step: `()` int variable.
    """

    def __init__(self, seeds: tuple[int, int], step: Any) -> None:
        super().__init__(rng_type=RandomGenerator.RNG_STATELESS)
        self._seeds = seeds
        self._step = step

    def make_seed_for_stateless_op(self) -> Any:
        """Returns `(2,)` int64."""
        seed = tf.constant(self._seeds, tf.int64)
        context = tf.distribute.get_replica_context()
        replica = 0 if context is None else context.replica_id_in_sync_group
        for part in (tf.convert_to_tensor(self._step), replica):
            seed = tf.random.experimental.stateless_fold_in(seed, tf.cast(part, tf.int64))
        return seed
