"""The processes that train one model together."""

import json
import os
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from pipelines.configuration.training import Cluster, Training
from tfrs_afm.types import Dataset, Tensor


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

    def distribute(self, dataset: Dataset) -> Any:
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


def strategy_of(training: Training) -> Any:
    """Makes the `tf.distribute` strategy under which a model is to be made, compiled and trained.

    To be called before TensorFlow has computed anything in this process: devices and clusters
    cannot be set up later.

    Args:
        training: Its `strategy` and `cluster`.

    Returns:
        A strategy; for "one" the default one, which has one replica.

    Raises:
        ValueError: If the environment has no TF_CONFIG that names the machines, where the strategy
            needs some, or TensorFlow has been used before.

    Example:
        >>> strategy_of(Training()).num_replicas_in_sync
        1
    """
    if training.strategy == "one":
        return tf.distribute.get_strategy()
    if training.strategy == "mirrored":
        return _mirrored(training.cluster.replicas)
    if training.strategy == "parameter_server":
        _require_config(training.strategy, "chief", "worker", "ps")
        return _parameter_server(training.cluster)
    _require_config(training.strategy)
    # A ring needs no more than the network that gRPC has.
    ring = tf.distribute.experimental.CommunicationImplementation.RING
    gpus = tf.config.list_physical_devices("GPU")
    options = tf.distribute.experimental.CommunicationOptions(
        **({} if gpus else {"implementation": ring})
    )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    except RuntimeError as error:
        raise _too_late(training.strategy) from error


def _mirrored(replicas: int | None) -> Any:
    if replicas is None:
        return tf.distribute.MirroredStrategy()
    cpu = tf.config.list_physical_devices("CPU")[0]
    devices = [tf.config.LogicalDeviceConfiguration()] * replicas
    try:
        tf.config.set_logical_device_configuration(cpu, devices)
    except RuntimeError as error:
        if len(tf.config.list_logical_devices("CPU")) != replicas:
            raise _too_late("mirrored") from error
    return tf.distribute.MirroredStrategy([f"CPU:{number}" for number in range(replicas)])


def _parameter_server(cluster: Cluster) -> Any:
    # Whoever calls a process that is gone is told so, and does not wait for it.
    os.environ.setdefault("GRPC_FAIL_FAST", "use_caller")
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    partitioner = tf.distribute.experimental.partitioners.MinSizePartitioner(
        min_shard_bytes=cluster.min_shard_bytes, max_shards=resolver.cluster_spec().num_tasks("ps")
    )
    return tf.distribute.ParameterServerStrategy(resolver, variable_partitioner=partitioner)


def _require_config(strategy: str, *kinds: str) -> None:
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        complete = bool(config["cluster"]) and {"type", "index"} <= config["task"].keys()
        complete = complete and set(kinds) <= config["cluster"].keys()
    except (ValueError, KeyError, TypeError, AttributeError):
        complete = False
    if not complete:
        raise ValueError(
            f"`training.strategy` must find the machines in TF_CONFIG. Received: {strategy!r}, "
            f"which needs {', '.join(kinds) or 'workers'}, and TF_CONFIG={text!r}. Start a cluster "
            "on this machine with: python -m pipelines cluster"
        )


def _too_late(strategy: str) -> ValueError:
    return ValueError(
        "`strategy_of` must be called before TensorFlow computes anything. Received: "
        f"training.strategy={strategy!r} in a process that has used it. Call it first."
    )


def split_batches(dataset: Dataset, parts: int, wanted: Sequence[int]) -> Dataset:
    """Cuts each batch into parts and keeps some of them, as batches of their own.

    All parts of a batch together are the batch, so that replicas which take one each see in one
    step what one process sees. Each batch has every part, if need be without rows: replicas take
    as many steps.

    Args:
        dataset: Of tuples and dicts of `(batch, ...)` tensors, dense, sparse or ragged.
        parts: How many.
        wanted: Which of them, from 0.

    Returns:
        A `tf.data.Dataset`: the wanted parts of the first batch, then those of the second.

    Example:
        >>> batches = tf.data.Dataset.range(5).batch(5)
        >>> [part.tolist() for part in split_batches(batches, 2, [0, 1]).as_numpy_iterator()]
        [[0, 1], [2, 3, 4]]
    """

    def split(*batch: Any) -> Any:
        whole = batch[0] if len(batch) == 1 else batch
        numbers = tf.data.Dataset.from_tensor_slices(tf.constant(list(wanted), tf.int64))
        return numbers.map(lambda number: _part(whole, number, parts))

    return dataset.flat_map(split).prefetch(2 * len(wanted))


def _part(batch: Any, number: Any, parts: int) -> Any:
    flat = tf.nest.flatten(batch)  # sparse and ragged tensors whole
    size = _rows(flat[0])
    begin, end = number * size // parts, (number + 1) * size // parts
    return tf.nest.pack_sequence_as(batch, [_slice(one, begin, end) for one in flat])


def _rows(tensor: Tensor) -> Any:
    if isinstance(tensor, tf.SparseTensor):
        return tensor.dense_shape[0]
    if isinstance(tensor, tf.RaggedTensor):
        return tensor.nrows()
    return tf.shape(tensor, tf.int64)[0]


def _slice(tensor: Tensor, begin: Any, end: Any) -> Any:
    if not isinstance(tensor, tf.SparseTensor):
        return tensor[begin:end]
    zeros = tf.zeros_like(tensor.dense_shape[1:])
    start = tf.concat([[begin], zeros], 0)
    size = tf.concat([[end - begin], tensor.dense_shape[1:]], 0)
    return tf.sparse.slice(tensor, start, size)
