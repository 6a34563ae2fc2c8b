"""How long did steps wait for their input? Prints it for a slow step, then for slow input.

In a process of its own: TensorFlow's threads are settled before it starts.
"""

import sys
import time
from typing import Any

import tensorflow as tf

from pipelines.training.steps import Steps

STEPS, PAUSE = 5, 0.1


def pause(value: Any) -> Any:
    time.sleep(PAUSE)
    return value


def slow(value: Any) -> Any:
    return tf.ensure_shape(tf.numpy_function(pause, [value], tf.float32), value.shape)


def waited(data: Any, step: Any) -> float:
    steps = Steps(step, tf.distribute.get_strategy())
    iterator = iter(data)
    steps(iterator, 1)  # traced
    done = steps(iterator, STEPS)
    assert done.steps == STEPS
    return done.waited


def main() -> None:
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    weights = tf.Variable([[0.0]])

    def train(batch: Any, wait: Any = tf.identity) -> dict[str, Any]:
        return {"loss": tf.reduce_sum(weights.assign_add(wait(batch[0])))}

    data = tf.data.Dataset.from_tensors((tf.ones([1, 1]), tf.ones([1, 1]))).repeat()
    by_step = waited(data, lambda batch: train(batch, slow))
    by_input = waited(data.map(lambda x, y: (slow(x), y)), train)
    sys.stdout.write(f"{by_step} {by_input}\n")


if __name__ == "__main__":
    main()
