"""The processes that train one model together."""

from typing import Any

import tensorflow as tf

from pipelines.cluster.split_batches import split_batches


class Team:
    """This process among those of a strategy, each of which runs the same program.

    Args:
        strategy: A `tf.distribute` strategy.

    Attributes:
        is_chief: Whether this process writes files; there is one such process.

    Example:
        >>> team = Team(tf.distribute.get_strategy())
        >>> team.is_chief, team.sums(1, 2)
        (True, (1, 2))
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self._together = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
        self.is_chief = not self._together or _is_chief(strategy.cluster_resolver)
        self._summed = tf.function(self._sum)

    def sums(self, *values: int) -> tuple[int, ...]:
        """Adds up what each process says; all must ask at the same point of the program.

        Args:
            values: Ints of this process, for example 1 for yes.

        Returns:
            Their sums over all processes.
        """
        if not self._together:
            return values
        return tuple(self._summed(tf.constant(values, tf.int64)).numpy().tolist())

    def distribute(self, dataset: Any) -> Any:
        """Gives each replica its part of every batch.

        Args:
            dataset: The batches that one process would train on.

        Returns:
            What `tf.distribute.Strategy.run` takes elements of.
        """
        if self._strategy.num_replicas_in_sync == 1:
            return dataset

        def mine(context: Any) -> Any:
            parts = context.num_replicas_in_sync
            count = parts // context.num_input_pipelines
            first = context.input_pipeline_id * count
            return split_batches(dataset, parts, range(first, first + count))

        return self._strategy.distribute_datasets_from_function(mine)

    def _sum(self, values: Any) -> Any:
        # The identity puts the values on each replica's device.
        each = self._strategy.run(tf.identity, args=(values,))
        replicas = len(self._strategy.experimental_local_results(each))
        summed = self._strategy.reduce(tf.distribute.ReduceOp.SUM, each, axis=None)
        return summed // replicas  # those of one process say the same


def _is_chief(resolver: Any) -> bool:
    if resolver.task_type == "chief":
        return True
    has_chief = "chief" in resolver.cluster_spec().jobs
    return not has_chief and resolver.task_type == "worker" and resolver.task_id == 0
