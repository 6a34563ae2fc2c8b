"""The strategy that a configuration names."""

import json
import os
from typing import Any

import tensorflow as tf

from pipelines.configuration.cluster import Cluster
from pipelines.configuration.training import Training


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
