"""Steps that workers take for a coordinator."""

import itertools
import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from pipelines.training.counted_step import counted_step
from pipelines.training.done import Done


class ScheduledSteps:
    """Sends batch after batch to whichever worker is free, which takes a step of the model on it.

    The coordinator reads the data: so each batch is trained on, in an order that a run which goes
    on knows, however many workers there are and whichever of them is lost. A worker that is lost
    in a step may have applied it or not, and another one takes it (again): at least once. Batches
    travel as one string tensor, whose shape is always the same: nothing is traced anew.

    Args:
        step: Takes a batch and returns a dict that may have "loss".
        strategy: The `ParameterServerStrategy` that its variables belong to.
        before: Called before each step, while the graph is made.
        after: The same after each step.
    """

    def __init__(
        self,
        step: Callable[[Any], dict[str, Any]],
        strategy: Any,
        before: Callable[[], None],
        after: Callable[[], None],
    ) -> None:
        self._step, self._strategy = step, strategy
        self._before, self._after = before, after
        self._coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
        self._spec: Any = None
        self._pack: Any = None
        self._compiled = tf.function(self._on_worker)

    def __call__(self, iterator: Any, most: int) -> Done:
        """Runs steps until there are `most` or the data ends.

        Args:
            iterator: Of a data set, in this process.
            most: Number of steps.
        """
        if self._pack is None:
            self._spec = iterator.element_spec
            self._pack = tf.function(_packed, input_signature=[self._spec])
        results, waited = [], 0.0
        asked = time.monotonic()
        for batch in itertools.islice(iterator, most):
            waited += time.monotonic() - asked
            packed = self._pack(batch)
            results.append(self._coordinator.schedule(self._compiled, args=(packed,)))
            asked = time.monotonic()
        self._coordinator.join()
        counts = [self._coordinator.fetch(result) for result in results]
        return Done(
            steps=len(counts),
            rows=sum(int(rows) for rows, _ in counts),
            waited=waited,
            finite=all(finite for _, finite in counts),
        )

    @tf.autograph.experimental.do_not_convert
    def _on_worker(self, packed: Any) -> Any:
        self._before()
        batch = _unpacked(packed, self._spec)
        counts = self._strategy.run(lambda batch: counted_step(self._step, batch), args=(batch,))
        self._after()
        return counts


def _packed(batch: Any) -> Any:
    parts = tf.nest.flatten(batch, expand_composites=True)
    return tf.stack([tf.io.serialize_tensor(part) for part in parts])


def _unpacked(packed: Any, spec: Any) -> Any:
    specs = tf.nest.flatten(spec, expand_composites=True)
    parts = [
        tf.ensure_shape(tf.io.parse_tensor(text, one.dtype), one.shape)
        for text, one in zip(tf.unstack(packed, num=len(specs)), specs, strict=True)
    ]
    return tf.nest.pack_sequence_as(spec, parts, expand_composites=True)
