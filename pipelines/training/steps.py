"""Several steps of training or of evaluation in one call of TensorFlow."""

import itertools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf


class Done(NamedTuple):
    """What one call did.

    Attributes:
        steps: Steps that ran; fewer than asked for where the data ended.
        rows: Examples in them.
        waited: Seconds until their batches were there.
        finite: Whether the loss was a finite number in each.
    """

    steps: int
    rows: int
    waited: float
    finite: bool


class Steps:
    """Runs a step of the model on batch after batch, in one process without coming back to Python.

    Args:
        step: Takes a batch, as one replica sees it, and returns a dict that may have "loss".
        strategy: The `tf.distribute` strategy that its variables belong to.
        before: Called before each step, while the graph is made; for what is no replica's work.
        after: The same after each step.
    """

    def __init__(
        self,
        step: Callable[[Any], dict[str, Any]],
        strategy: Any,
        before: Callable[[], None] | None = None,
        after: Callable[[], None] | None = None,
    ) -> None:
        self._step, self._strategy = step, strategy
        self._before, self._after = before, after
        self._compiled = tf.function(self._run, reduce_retracing=True)

    def __call__(self, iterator: Any, most: int) -> Done:
        """Runs steps until there are `most` or the data ends.

        Args:
            iterator: Of a data set, distributed where the strategy has several replicas.
            most: Number of steps.
        """
        if self._strategy.num_replicas_in_sync > 1:
            return self._one_by_one(iterator, most)
        return self._call(iterator, most)

    def _one_by_one(self, iterator: Any, most: int) -> Done:
        # Inside a loop in the graph TensorFlow mixes up which lengths belong to which gathering of
        # sparse gradients: "Shape mismatch in the collective instance". The iterator is handed
        # over and not its batches: each length of those would be traced again.
        steps, rows, waited, finite = 0, 0, 0.0, True
        while steps < most:
            done = self._call(iterator, 1)
            if not done.steps:
                break
            steps, rows = steps + 1, rows + done.rows
            waited, finite = waited + done.waited, finite and done.finite
        return Done(steps, rows, waited, finite)

    def _call(self, iterator: Any, most: int) -> Done:
        steps, rows, waited, finite = self._compiled(iterator, tf.constant(most))
        return Done(int(steps), int(rows), float(waited), bool(finite))

    def _run(self, iterator: Any, most: Any) -> tuple[Any, Any, Any, Any]:
        steps, rows = tf.constant(0), tf.constant(0)
        waited, finite = tf.constant(0.0, tf.float64), tf.constant(True)  # noqa: FBT003
        more = most > 0
        while more:
            asked = tf.timestamp()
            with tf.control_dependencies([asked]):
                batch = iterator.get_next_as_optional()
                more = batch.has_value()
            with tf.control_dependencies([more]):
                answered = tf.timestamp()
            with tf.control_dependencies([answered]):  # or a single thread takes the step first
                more = tf.identity(more)
            waited += answered - asked
            if more:
                # Within the branch: at the end of the data there is no batch to count.
                count, good = self._on_batch(batch.get_value())
                steps += 1
                rows += count
                finite = tf.logical_and(finite, good)
                more = steps < most
        return steps, rows, waited, finite

    @tf.autograph.experimental.do_not_convert
    def _on_batch(self, batch: Any) -> tuple[Any, Any]:
        if self._before is not None:
            self._before()
        if isinstance(self._strategy, tf.distribute.ParameterServerStrategy):
            counts = self._on_replica(batch)  # here: `run` is for what a worker is sent
        else:
            each = self._strategy.run(self._on_replica, args=(batch,))
            counts = self._strategy.reduce(tf.distribute.ReduceOp.SUM, each, axis=None)
        if self._after is not None:
            self._after()
        rows, good = tf.unstack(counts)
        return rows, tf.equal(good, self._strategy.num_replicas_in_sync)

    @tf.autograph.experimental.do_not_convert
    def _on_replica(self, batch: Any) -> Any:
        return counted_step(self._step, batch)


class ScheduledSteps:
    """Sends batch after batch to whichever worker is free, which takes a step of the model on it.

    The coordinator reads the data: so each batch is trained on, in an order that a run which goes
    on knows, however many workers there are and whichever of them is lost. A worker that is lost
    in a step may have applied it or not, and another one takes it (again): at least once. Batches
    travel as one string tensor, whose shape is always the same: nothing is traced again.

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


def counted_step(step: Callable[[Any], dict[str, Any]], batch: Any) -> Any:
    """Runs a step of a model and tells what it saw.

    Args:
        step: Takes a batch and returns a dict that may have "loss".
        batch: `(features, labels)` or `(features, labels, sample_weight)`.

    Returns:
        `(2,)` int32: the examples in the batch, and 1 if the loss is a finite number, 0 if not. In
        one tensor: each one that replicas add up is a message between machines.

    Example:
        >>> counts = counted_step(lambda batch: {}, ({}, tf.zeros([3, 1])))
        >>> counts.numpy().tolist()
        [3, 1]
    """
    loss = step(batch).get("loss", tf.constant(0.0))
    rows = tf.shape(tf.nest.flatten(batch[1])[0])[0]
    return tf.stack([rows, tf.cast(tf.reduce_all(tf.math.is_finite(loss)), tf.int32)])
