"""What does an optimizer step on a large embedding table cost, ours against tf_keras' own?

    python -m benchmarks.optimizer_step            # all questions
    python -m benchmarks.optimizer_step step tables rows memory   # or some of them

step    Time of a step (lookup, loss, gradient, update) on one table: ours by the kernels, ours by
        stock operations and tf_keras', in turn.
tables  Time of the update of 52 tables, those of 26 columns, by the kernels and by stock
        operations in turn, and the operations in the graph of a DeepFM over such columns.
rows    Time of a training step on a table of 10M rows over one of 10k rows, the same batch.
memory  Peak memory of the steps beyond what the process held before them, one process each.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

import tfrs_afm
from tfrs_afm import kernels, optimizers

DIM = 16
IDS = 4096
BLOCK = 8
KERAS = tf.keras.optimizers
PAIRS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "Adam": (lambda: optimizers.Adam(0.01), lambda: KERAS.Adam(0.01)),
    "SGD": (lambda: optimizers.SGD(0.01), lambda: KERAS.SGD(0.01)),
    "SGD momentum 0.9": (lambda: optimizers.SGD(0.01, 0.9), lambda: KERAS.SGD(0.01, 0.9)),
    "Ftrl": (lambda: optimizers.Ftrl(0.01), lambda: KERAS.Ftrl(0.01)),
    "Adagrad": (lambda: optimizers.Adagrad(0.01), lambda: KERAS.Adagrad(0.01)),
}


def lookup_step(rows: int, optimizer: Any) -> Callable[[tf.Tensor], Any]:
    """A compiled training step over one table of that many rows."""
    table = tf.Variable(tf.fill([rows, DIM], 0.1))
    optimizer.build([table])

    @tf.function
    def step(ids: tf.Tensor) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(tf.gather(table, ids) - 1.0))
        optimizer.apply_gradients([(tape.gradient(loss, table), table)])
        return loss

    return step


def apply_step(rows: int, optimizer: Any) -> Callable[[tf.Tensor], Any]:
    """The optimizer's part of `lookup_step` alone."""
    table = tf.Variable(tf.fill([rows, DIM], 0.1))
    optimizer.build([table])

    @tf.function
    def step(ids: tf.Tensor) -> Any:
        values = tf.fill([tf.size(ids), DIM], -1e-4)
        gradient = tf.IndexedSlices(values, ids, tf.constant([rows, DIM], tf.int64))
        return optimizer.apply_gradients([(gradient, table)])

    return step


def afm_step(rows: int, optimizer: Any) -> Callable[[tf.Tensor], Any]:
    """A compiled training step of an AFM with one column of that many rows and four small ones."""
    fc = tf.feature_column
    sizes = [rows, 1000, 100, 50, 10]
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(f"f{i}", size), DIM)
        for i, size in enumerate(sizes)
    ]
    model = tfrs_afm.models.AFM(columns, attention_units=DIM)
    model.compile(optimizer)

    @tf.function
    def step(ids: tf.Tensor) -> Any:
        features = {f"f{i}": ids % size for i, size in enumerate(sizes)}
        return model.train_step((features, tf.cast(ids[:, None] % 2, tf.float32)))

    return step


def batches(rows: int, count: int, size: int = IDS) -> list[tf.Tensor]:
    random = np.random.default_rng(1)
    return [tf.constant(random.integers(0, rows, size)) for _ in range(count)]


def in_turn(steps: Sequence[Callable[[tf.Tensor], Any]], data: Sequence[list]) -> list[float]:
    """Median milliseconds of each step; they take turns, so that all see the same machine.

    A turn is a block of steps on new ids. Its first two do not count: in training a step follows
    its own predecessor, not one that has swept the caches with another table.
    """
    for step, batch in zip(steps, data, strict=True):
        step(batch[0])
    times: list[list[float]] = [[] for _ in steps]
    for turn in range(0, len(data[0]), BLOCK):
        for step, batch, seen in zip(steps, data, times, strict=True):
            for position, ids in enumerate(batch[turn : turn + BLOCK]):
                start = time.perf_counter()
                finished(step(ids))
                if position >= 2:
                    seen.append(1000 * (time.perf_counter() - start))
    return [statistics.median(seen) for seen in times]


def finished(result: Any) -> None:
    """Waits for a step by reading what it returns."""
    tf.nest.map_structure(lambda value: value.numpy(), result)


def in_stock(step: Callable[[Any], Any], first: Any) -> Callable[[Any], Any]:
    """A step that is traced of stock operations, on its first batch."""
    with kernels.stock():
        step(first)
    return step


def ask_step(count: int, rows: int = 1_000_000) -> None:
    print(f"\nstep: {rows:,} x {DIM} table, {IDS} uniform ids, median of {count} steps, in turn")
    print("| optimizer | part | tf_keras, ms | ours, stock, ms | ours, ms | ratio |")
    print("|---|---|---|---|---|---|")
    data = batches(rows, count)
    for name, (ours, theirs) in PAIRS.items():
        for part, make in (("whole step", lookup_step), ("update alone", apply_step)):
            steps = [make(rows, theirs()), in_stock(make(rows, ours()), data[0])]
            slow, stock, fast = in_turn([*steps, make(rows, ours())], [data] * 3)
            times = f"{slow:.1f} | {stock:.2f} | {fast:.2f}"
            print(f"| {name} | {part} | {times} | {slow / fast:.1f}x |", flush=True)


def tables_step(optimizer: Any, columns: int, rows: int) -> Callable[[Any], Any]:
    """The update of the vectors and linear weights of so many columns, for given ids."""
    tables = [tf.Variable(tf.fill([rows, dim], 0.1)) for _ in range(columns) for dim in (DIM, 1)]
    optimizer.build(tables)

    @tf.function
    def step(ids: tf.Tensor) -> Any:
        of_column = [ids for ids in tf.unstack(ids) for _ in range(2)]
        gradients = [
            tf.IndexedSlices(tf.fill([tf.size(ids), table.shape[1]], -1e-4), ids, table.shape)
            for ids, table in zip(of_column, tables, strict=True)
        ]
        return optimizer.apply_gradients(zip(gradients, tables, strict=True))

    return step


def ask_tables(count: int, columns: int = 26, rows: int = 100_000) -> None:
    print(f"\ntables: the update of {2 * columns} tables of {rows:,} rows, median of {count} steps")
    print("| optimizer | ids a column | stock, ms | kernels, ms | ratio |\n|---|---|---|---|---|")
    random = np.random.default_rng(1)
    for name, (ours, _) in PAIRS.items():
        for size in (1024, 4096):
            # To the fourth: as in real features some ids are in every batch.
            draws = random.random((count, columns, size)) ** 4
            data = list(tf.constant((rows * draws).astype(np.int64)))
            stock = in_stock(tables_step(ours(), columns, rows), data[0])
            slow, fast = in_turn([stock, tables_step(ours(), columns, rows)], [data, data])
            print(f"| {name} | {size} | {slow:.2f} | {fast:.2f} | {slow / fast:.1f}x |", flush=True)
    batch = [
        tf.constant(random.integers(0, 10**6, (columns, 1024)).astype(str)) for _ in range(count)
    ]
    steps = [in_stock(deepfm_step(columns, rows), batch[0]), deepfm_step(columns, rows)]
    times = in_turn(steps, [batch, batch])
    print(f"\na training step of a DeepFM over {columns} hashed columns, batch 1024, Adam")
    print("| form | operations | of these the optimizer's | ms |\n|---|---|---|---|")
    for form, step, time_of_step in zip(("stock", "kernels"), steps, times, strict=True):
        names = [one.name for one in step.get_concrete_function(batch[0]).graph.get_operations()]
        of_adam = sum(name.startswith("Adam/") for name in names)
        print(f"| {form} | {len(names):,} | {of_adam:,} | {time_of_step:.1f} |")


def deepfm_step(columns: int, rows: int) -> Any:
    """A compiled training step of a DeepFM; takes `(columns, batch)` strings."""
    fc = tf.feature_column
    hashed = [fc.categorical_column_with_hash_bucket(f"f{i}", rows) for i in range(columns)]
    model = tfrs_afm.models.DeepFM([fc.embedding_column(column, DIM) for column in hashed])
    model.compile(optimizers.Adam(0.01))

    @tf.function
    def step(words: tf.Tensor) -> Any:
        features = {f"f{i}": one for i, one in enumerate(tf.unstack(words))}
        labels = tf.cast(tf.strings.length(words[0])[:, None] % 2, tf.float32)
        return model.train_step((features, labels))["loss"]

    return step


def ask_rows(count: int, small: int = 10_000, large: int = 10_000_000) -> None:
    print(f"\nrows: a training step at {large:,} rows over one at {small:,} rows, dim {DIM}")
    print("| step | optimizer | 10k, ms | 10M, ms | ratio | 10M, ids over all rows, ms |")
    print("|---|---|---|---|---|---|")
    for kind, size in (("lookup", IDS), ("afm", 1024)):
        for name in ("Adam", "SGD", "Ftrl", "Adagrad"):
            args = ["_rows", kind, name, str(small), str(large), str(count), str(size)]
            low, high, spread = own_process(args)
            row = f"| {kind}, {size} | {name} | {low:.2f} | {high:.2f} | {high / low:.2f}x |"
            print(f"{row} {spread:.2f} |", flush=True)


def measure_rows(kind: str, name: str, small: int, large: int, count: int, size: int) -> Any:
    make = {"lookup": lookup_step, "afm": afm_step}[kind]
    steps = [make(rows, PAIRS[name][0]()) for rows in (small, large)]
    near, far = batches(small, count, size), batches(large, count, size)
    return in_turn([*steps, steps[1]], [near, near, far])


def ask_memory(count: int) -> None:
    print(f"\nmemory: peak of {count} steps beyond table and slots, {IDS} ids, MB (table, MB)")
    print(
        "| optimizer | 10k rows | 1M rows | 10M rows | tf_keras, 1M rows |\n|---|---|---|---|---|"
    )
    for name in ("Adam", "SGD", "Ftrl", "Adagrad"):
        cells = [
            "{:.0f} ({:.0f})".format(*own_process(["_memory", name, whose, str(rows), str(count)]))
            for whose, rows in (("0", 10**4), ("0", 10**6), ("0", 10**7), ("1", 10**6))
        ]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def measure_memory(name: str, whose: int, rows: int, count: int) -> tuple[float, float]:
    lookup = lookup_step(10, PAIRS[name][whose]())
    data = batches(10, 3)
    for ids in data:  # what TensorFlow itself needs to run such a step
        lookup(ids).numpy()
    step = lookup_step(rows, PAIRS[name][whose]())
    function = step.get_concrete_function(data[0])  # traced, but not run
    data = batches(rows, count)
    # The first sparse write to a variable may copy it once; that is in what is measured.
    before = held()
    for ids in data:
        function(ids).numpy()
    return peak() - before, rows * DIM * 4 / 2**20


def held() -> float:
    """Resident memory now, MB; the peak starts again from here where the kernel allows it."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return status("VmRSS")


def peak() -> float:
    """Peak resident memory since `held`, MB."""
    return status("VmHWM")


def status(key: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    [line] = [line for line in lines if line.startswith(key)]
    return int(line.split()[1]) / 1024


def own_process(args: list[str]) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.optimizer_step", *args],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main(args: Sequence[str]) -> None:
    if args and args[0] == "_rows":
        kind, name, *numbers = args[1:]
        print(json.dumps(measure_rows(kind, name, *map(int, numbers))))
        return
    if args and args[0] == "_memory":
        name, *numbers = args[1:]
        print(json.dumps(measure_memory(name, *map(int, numbers))))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("questions", nargs="*", help="step, tables, rows, memory")
    parser.add_argument("--steps", type=int, default=64, help="steps of each kind")
    known = parser.parse_args(args)
    print(f"TensorFlow {tf.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    ask = {"step": ask_step, "tables": ask_tables, "rows": ask_rows, "memory": ask_memory}
    for question in known.questions or ask:
        ask[question](known.steps)


if __name__ == "__main__":
    main(sys.argv[1:])
