"""The strategy that a configuration names."""

import json
import os
from typing import Any

import tensorflow as tf

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


def _require_config(strategy: str) -> None:
    text = os.environ.get("TF_CONFIG", "")
    try:
        config = json.loads(text)
        complete = bool(config["cluster"]) and {"type", "index"} <= config["task"].keys()
    except (ValueError, KeyError, TypeError, AttributeError):
        complete = False
    if not complete:
        raise ValueError(
            f"`training.strategy` must find the machines in TF_CONFIG. Received: {strategy!r} and "
            f"TF_CONFIG={text!r}. Start a cluster on this machine with: python -m pipelines "
            "cluster"
        )


def _too_late(strategy: str) -> ValueError:
    return ValueError(
        "`strategy_of` must be called before TensorFlow computes anything. Received: "
        f"training.strategy={strategy!r} in a process that has used it. Call it first."
    )
