"""What does a training step cost as the vocabulary and the number of workers grow?

    python -m benchmarks.growth              # all sizes, then the model on paper
    python -m benchmarks.growth --rows 5     # tables of 10^5 rows only

One process plays all workers: each has its share of a global batch of 4096 examples and computes
its gradient; the gradients are put together as a collective would, and the optimizer applies them
once. Network bytes are those of the gradients' own tensors: values and indices of `IndexedSlices`,
and dense gradients. Tables of all sizes take turns, so that all see the same machine.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

import tfrs_afm
from tfrs_afm import optimizers

DIM = 16
BATCH = 4096
SMALL = (1000, 100, 50, 10)
WORKERS = (1, 2, 4)
BLOCK = 8


class Simulated:
    """An AFM with one column of many rows and four small ones, and its row-sparse Adam."""

    def __init__(self, rows: int) -> None:
        fc = tf.feature_column
        self.sizes = [rows, *SMALL]
        columns = [
            fc.embedding_column(fc.categorical_column_with_identity(f"f{i}", size), DIM)
            for i, size in enumerate(self.sizes)
        ]
        self.model = tfrs_afm.models.AFM(columns, attention_units=DIM)
        self.model.build_from_config({})
        self.variables = self.model.trainable_variables
        self.optimizer = optimizers.Adam(0.001)
        self.optimizer.build(self.variables)
        self.gradient = tf.function(self._gradient)
        self.apply = {count: tf.function(self._apply) for count in WORKERS}

    def _gradient(self, ids: Any, workers: Any) -> list[Any]:
        features = {f"f{i}": ids % size for i, size in enumerate(self.sizes)}
        with tf.GradientTape() as tape:
            labels = tf.cast(ids[:, None] % 2, tf.float32)
            loss = self.model.compute_loss((features, labels), training=True) / workers
        return tape.gradient(loss, self.variables)

    def _apply(self, shares: list[list[Any]]) -> Any:
        return self.optimizer.apply_gradients(
            (together(share), variable)
            for share, variable in zip(zip(*shares, strict=True), self.variables, strict=True)
        )

    @property
    def megabytes(self) -> float:
        """Memory of all weights and slots."""
        held = [*self.variables, *self.optimizer.variables]
        return sum(int(np.prod(one.shape)) * 4 for one in held) / 1e6


def together(share: tuple[Any, ...]) -> Any:
    """The sum of one variable's gradients, as a collective makes it: slices side by side."""
    if not isinstance(share[0], tf.IndexedSlices):
        return tf.add_n(share)
    return tf.IndexedSlices(
        tf.concat([one.values for one in share], 0),
        tf.concat([one.indices for one in share], 0),
        share[0].dense_shape,
    )


def bytes_of(gradients: list[Any]) -> int:
    """What a worker sends."""
    parts = []
    for one in gradients:
        sliced = isinstance(one, tf.IndexedSlices)
        parts += [one.values, one.indices] if sliced else [one]
    return sum(part.numpy().nbytes for part in parts)


def memory_kib(name: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in status if line.startswith(name)).split()[1])


def measure(simulated: Simulated, workers: int, steps: int, seed: int) -> dict[str, list[float]]:
    """Bytes and times of some steps; the first two warm up."""
    found: dict[str, list[float]] = {"sent": [], "gradient": [], "apply": []}
    random = np.random.default_rng(seed)
    for step in range(steps):
        shards = np.split(random.integers(0, simulated.sizes[0], BATCH), workers)
        shares, times = [], []
        for shard in shards:
            start = time.perf_counter()
            shares.append(simulated.gradient(tf.constant(shard), tf.constant(float(workers))))
            float(tf.reduce_sum(shares[-1][-1]))  # waits
            times.append(time.perf_counter() - start)
        start = time.perf_counter()
        int(simulated.apply[workers](shares))
        applied = time.perf_counter() - start
        if step >= 2:
            found["sent"].append(statistics.mean(map(bytes_of, shares)))
            found["gradient"].append(1000 * statistics.mean(times))
            found["apply"].append(1000 * applied)
    return found


def peak(rows: int) -> float:
    """Memory of steps beyond weights and slots, in MB; for a process that did nothing before."""
    measure(Simulated(10), 1, BLOCK, seed=0)  # the code, and the room that tracing takes
    simulated = Simulated(rows)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # forget the peak so far
    before = memory_kib("VmRSS")
    measure(simulated, 1, BLOCK, seed=0)
    return (memory_kib("VmHWM") - before) / 1000


def peak_apart(rows: int) -> float:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.growth", "--peak", str(rows)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def table(exponents: list[int], turns: int) -> float:
    """Measures and prints; returns the time of an update at one worker, largest table, in ms."""
    extra = {exponent: peak_apart(10**exponent) for exponent in exponents}
    models = {exponent: Simulated(10**exponent) for exponent in exponents}
    print(
        "| rows | workers | weights and slots, MB | beyond them in a step, MB "
        "| sent by a worker, KB | by all, KB | gradient of a worker, ms | optimizer, ms |"
    )
    print("|---|---|---|---|---|---|---|---|")
    found: dict[tuple[int, int], dict[str, list[float]]] = {}
    for turn in range(turns):
        for workers in WORKERS:
            for exponent, simulated in models.items():
                one = measure(simulated, workers, BLOCK, seed=turn)
                known = found.setdefault((exponent, workers), {name: [] for name in one})
                for name, values in one.items():
                    known[name] += values
    for (exponent, workers), one in sorted(found.items()):
        sent = statistics.median(one["sent"]) / 1000
        print(
            f"| 10^{exponent} | {workers} | {models[exponent].megabytes:,.0f} | "
            f"{extra[exponent]:.0f} | {sent:,.0f} | {workers * sent:,.0f} | "
            f"{both(one['gradient'])} | {both(one['apply'])} |"
        )
    return min(found[exponents[-1], 1]["apply"])


def both(values: list[float]) -> str:
    """The fastest, which neighbours on the machine did not slow down, and the median."""
    return f"{min(values):.1f} ({statistics.median(values):.1f})"


def on_paper(update_ms: float) -> None:
    """Prints the model for 10^9 rows and 64 workers; docs say what it assumes."""
    rows, workers, servers, batch, lookups, steps = 10**9, 64, 8, 1024, 26, 5
    held = rows * (DIM + 1) * 4 * 3 / 1e9
    one_way = batch * lookups * ((DIM + 1) * 4 + 2 * 8)
    traffic = 2 * one_way * workers * steps / servers
    per_row = update_ms / (BATCH * (1 + len(SMALL))) * 1000
    updates = batch * lookups * workers * steps / servers
    print(f"tables and Adam's slots: {held:,.0f} GB, {held / servers:,.1f} GB a server")
    print(f"a worker, a step: {one_way / 1e6:.2f} MB each way")
    print(f"a server: {traffic * 8 / 1e9:.2f} Gbit/s, {updates / 1e6:.2f} M rows/s to update")
    print(f"at {per_row:.2f} us a row: {updates * per_row / 1e6:.1f} times the cores measured on")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[5, 6, 7], help="powers of ten")
    parser.add_argument("--turns", type=int, default=4)
    parser.add_argument("--peak", type=int, help="only the memory of steps, for this many rows")
    arguments = parser.parse_args()
    if arguments.peak:
        print(peak(arguments.peak))
        return
    on_paper(table(arguments.rows, arguments.turns))


if __name__ == "__main__":
    main()
