"""Attention over pairs alone, forward and backward: TensorFlow's operations against the kernels.

    python -m benchmarks.kernels [--threads 1] [--rounds 15] [--forms avx512 avx2 portable]

All forms of a shape live in one process and take turns, so that whatever else the machine does hits
all alike. Printed are medians: of CPU time with one thread, of elapsed time with more. The last
columns are the rate of the products that a step needs (three of the size of pairs x dim x units),
and what a matrix product of TensorFlow reaches in the same run.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import numpy as np
import tensorflow as tf

from tfrs_afm import kernels
from tfrs_afm.interactions.pair_attention import attend_pairs
from tfrs_afm.kernels import pair_attention
from tfrs_afm.kernels.library import load

SHAPES = [(4096, 10, 10, 16), (1024, 39, 16, 16), (512, 10, 256, 256), (256, 200, 16, 16)]


def make_step(form: str, shape: tuple[int, ...], dropout: float) -> Callable[[], Any]:
    """Forward and backward of one form, traced."""
    batch, n, dim, units = shape
    rng = np.random.default_rng(0)
    shapes = ((batch, n, dim), (dim, units), (units,), (units, 1))
    inputs = [tf.constant(rng.normal(size=size, scale=0.5), tf.float32) for size in shapes]
    mask, seed = tf.ones([batch, n], tf.bool), tf.constant([1, 2])
    above = tf.constant(rng.normal(size=(batch, dim)), tf.float32)

    @tf.function
    def step(*inputs: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            out = attend_pairs(inputs[0], mask, *inputs[1:], dropout=dropout, seed=seed)
        vectors, kernel, *_ = tape.gradient(out, inputs, output_gradients=above)
        return vectors[0, 0, 0] + kernel[0, 0]

    if form == "stock":
        with kernels.stock():
            step(*inputs)
    else:  # the form is an attribute of the operation, set when it is traced
        status, operations = load()
        load_as_it_is = pair_attention.load
        pair_attention.load = lambda: (status._replace(form=form), operations)
        step(*inputs)
        pair_attention.load = load_as_it_is
    return lambda: step(*inputs).numpy()


def make_product() -> Callable[[], Any]:
    """One product of TensorFlow's, of a square that its rate is best for."""
    left, right = tf.random.normal([8192, 512]), tf.random.normal([512, 512])
    product = tf.function(lambda: tf.matmul(left, right)[0, 0])
    product()
    return lambda: product().numpy()


def measure(given: argparse.Namespace, shape: tuple[int, ...]) -> None:
    clock = time.process_time if given.threads == 1 else time.perf_counter
    contestants = {form: make_step(form, shape, given.dropout) for form in ("stock", *given.forms)}
    contestants["product"] = make_product()
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(given.rounds):
        for name, run in contestants.items():
            start = clock()
            run()
            seconds[name].append(clock() - start)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    product = 2 * 8192 * 512 * 512 / medians.pop("product") / 1e9
    batch, n, dim, units = shape
    needed = 3 * 2 * batch * n * (n - 1) // 2 * dim * units
    times = " | ".join(f"{value * 1e3:.1f}" for value in medians.values())
    ours = medians[given.forms[0]]
    print(
        f"| {', '.join(map(str, shape))} | {times} | {medians['stock'] / ours:.1f}x "
        f"| {needed / ours / 1e9:.0f} | {product:.0f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--forms", nargs="*", default=kernels.status().forms[:1])
    given = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(given.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    names = " | ".join(f"{form}, ms" for form in ("stock", *given.forms))
    print(f"| batch, n, dim, units | {names} | faster | GF/s needed | GF/s of a product |")
    print("|" + "---|" * (len(given.forms) + 5))
    for shape in SHAPES:
        measure(given, shape)


if __name__ == "__main__":
    main()
