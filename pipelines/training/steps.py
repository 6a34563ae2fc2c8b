"""Several steps of training or of evaluation in one call of TensorFlow."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from pipelines.training.counted_step import counted_step
from pipelines.training.done import Done


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
        # over and not its batches: each length of those would be traced anew.
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
