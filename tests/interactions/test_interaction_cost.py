import subprocess
import sys

import pytest

from tfrs_afm import interactions

STEP = """
import resource
import sys
import tensorflow as tf
from tfrs_afm import interactions

n, dim, units, batch = map(int, sys.argv[1:])
layer = interactions.AFM(units)


@tf.function
def step(vectors):
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        loss = tf.reduce_sum(layer(vectors))
    return tape.gradient(loss, [vectors, *layer.trainable_variables])


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


step(tf.random.normal([4, n, dim]))
base = peak()
step(tf.random.normal([batch, n, dim]))
print(peak() - base)
"""


@pytest.mark.long
def test_a_training_step_at_id_level_holds_a_few_blocks_and_not_all_pairs() -> None:
    shape = {"num_members": 200, "dim": 16, "units": 16, "batch": 64}
    cost = interactions.interaction_cost(**shape)
    done = subprocess.run(
        [sys.executable, "-c", STEP, *(str(value) for value in shape.values())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    grown = float(done.stdout.splitlines()[-1])
    assert cost.all_pairs_mb > 480
    assert grown < 0.4 * cost.all_pairs_mb


def test_cost_counts_pairs_and_operations() -> None:
    cost = interactions.interaction_cost(10, dim=256, units=256, batch=512)
    assert cost.num_pairs == 45
    assert cost.inference_flops == 512 * 45 * (2 * 256 * 256 + 2 * 256 + 3 * 256)
    network = 512 * 45 * 2 * 256 * 256
    assert 4 * network < cost.training_flops < 4.2 * network
    assert interactions.interaction_cost(1000, 16, 16, 10**6).block_mb < 200


@pytest.mark.parametrize("name", ["num_members", "dim", "units", "batch"])
def test_a_size_that_is_not_positive_is_named(name: str) -> None:
    sizes = {"num_members": 3, "dim": 2, "units": 2, "batch": 1, name: 0}
    with pytest.raises(ValueError, match=f"`{name}` must be positive. Received: {name}=0"):
        interactions.interaction_cost(**sizes)
