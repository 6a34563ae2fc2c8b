"""A worker or a parameter server."""

import contextlib
import json
import os
import socket
import time
from typing import Any

import tensorflow as tf

from pipelines.configuration.training import Training

_POLL, _PATIENCE = 1.0, 15.0
_CONNECT = 5.0


def serve_task(training: Training) -> bool:
    """Does what the chief asks until it is gone, if this process is there for that.

    Under the strategy parameter_server the chief alone runs the program; workers and parameter
    servers compute for it. Such a process waits for the chief as long as it takes, and is done when
    the chief's port has been shut for 15 seconds: it holds nothing then that another chief could
    use, and has to be started again for one.

    Args:
        training: Its `strategy`; TF_CONFIG in the environment says who this process is.

    Returns:
        Whether this process was a worker or a parameter server.

    Example:
        >>> serve_task(Training())
        False
    """
    if training.strategy != "parameter_server":
        return False
    config: dict[str, Any] = json.loads(os.environ.get("TF_CONFIG") or "{}")
    kind = config.get("task", {}).get("type")
    if kind not in ("worker", "ps"):
        return False
    options = tf.compat.v1.ConfigProto()
    # A step waits in a thread for what other processes send it: with few of them all may wait.
    options.inter_op_parallelism_threads = max(8, os.cpu_count() or 1)
    server = tf.distribute.Server(
        tf.train.ClusterSpec(config["cluster"]),
        kind,
        config["task"]["index"],
        protocol="grpc",
        config=options,
    )
    _wait(config["cluster"]["chief"][0])
    del server
    return True


def _wait(address: str) -> None:
    host, _, port = address.rpartition(":")
    seen: float | None = None
    while seen is None or time.monotonic() - seen < _PATIENCE:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), _CONNECT):
            seen = time.monotonic()
        time.sleep(_POLL)
