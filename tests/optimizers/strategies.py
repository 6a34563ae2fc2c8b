"""A program: trains under a strategy and alone, and compares. Run by test_strategies.py.

Logical devices and clusters must be set up before anything else runs in a process.
"""

import socket
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from tfrs_afm import optimizers

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "adam": lambda: optimizers.Adam(0.1, amsgrad=True, weight_decay=0.1),
    "ftrl in a loss scale": lambda: tf.keras.mixed_precision.LossScaleOptimizer(
        optimizers.Ftrl(0.1, l1_regularization_strength=0.001, weight_decay=0.1, clipnorm=0.5),
        initial_scale=4.0,
    ),
}
ROWS = 40
IDS = np.random.default_rng(1).integers(0, ROWS, size=(32, 3))
LABELS = np.random.default_rng(2).normal(size=(32, 1))


class Model(tf.keras.Model):
    """Two tables of one shape and a dense layer."""

    def __init__(self, order: tuple[str, str] = ("user", "item")) -> None:
        super().__init__()
        for name in order:
            setattr(self, name, tf.keras.layers.Embedding(ROWS, 4, "ones", name=name))
        self.score = tf.keras.layers.Dense(1, kernel_initializer="ones", name="score")

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        both = tf.concat([self.user(ids[:, :2]), self.item(ids[:, 2:])], axis=1)
        return self.score(tf.reduce_sum(both, axis=1))


def model(optimizer: Any, order: tuple[str, str] = ("user", "item")) -> Model:
    made = Model(order)
    made.compile(optimizer, tf.keras.losses.MeanSquaredError())
    return made


def fit(made: Model, epochs: int) -> None:
    data = tf.data.Dataset.from_tensor_slices((IDS, LABELS)).batch(8)
    made.fit(data, epochs=epochs, verbose=0)


def weights(made: Model) -> dict[str, np.ndarray]:
    parts = {"user": made.user.embeddings, "item": made.item.embeddings, "score": made.score.kernel}
    return {name: np.asarray(tf.convert_to_tensor(value)) for name, value in parts.items()}


def compare(name: str, here: Model, there: Model) -> None:
    for part, values in weights(here).items():
        difference = float(np.abs(values - weights(there)[part]).max())
        if not difference < 1e-5:
            sys.exit(f"{name}: {part} differs by {difference}")


def resume(alone: Model, together: Model) -> None:
    """Takes Adam's training out of the strategy, with the tables in another order."""
    again = model(OPTIMIZERS["adam"](), ("item", "user"))
    with tempfile.TemporaryDirectory() as folder:
        together.save_weights(f"{folder}/weights")
        again.load_weights(f"{folder}/weights")
        fit(again, 1)
    fit(alone, 1)
    compare("resumed alone", alone, again)


def mirrored() -> None:
    """Two replicas on this machine's CPU."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for name, make in OPTIMIZERS.items():
        alone = model(make())
        fit(alone, 1)
        with strategy.scope():
            together = model(make())
        fit(together, 1)
        compare(name, alone, together)
        if name == "adam":
            resume(alone, together)


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def parameter_server() -> None:
    """A coordinator, one worker, and tables in shards on two parameter servers."""
    jobs = {"worker": 1, "ps": 2}
    cluster = tf.train.ClusterSpec(
        {job: [f"127.0.0.1:{free_port()}" for _ in range(n)] for job, n in jobs.items()}
    )
    servers = [
        tf.distribute.Server(cluster, job, index, protocol="grpc")
        for job, n in jobs.items()
        for index in range(n)
    ]
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(cluster, rpc_layer="grpc")
    strategy = tf.distribute.ParameterServerStrategy(
        resolver, variable_partitioner=tf.distribute.experimental.partitioners.MinSizePartitioner(
            min_shard_bytes=256, max_shards=2
        )
    )  # fmt: skip
    alone = model(OPTIMIZERS["adam"]())
    fit(alone, 1)
    with strategy.scope():
        together = model(OPTIMIZERS["adam"]())
    data = tf.data.Dataset.from_tensor_slices((IDS, LABELS)).batch(8)
    together.fit(data.repeat(), steps_per_epoch=4, epochs=1, verbose=0)
    if len(together.user.embeddings.variables) != 2:
        sys.exit("the tables are not in shards")
    compare("parameter server", alone, together)
    resume(alone, together)
    del servers


if __name__ == "__main__":
    {"mirrored": mirrored, "parameter_server": parameter_server}[sys.argv[1]]()
    sys.stdout.write("equal\n")
