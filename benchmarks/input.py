"""Reading and parsing against training: is the model the bottleneck, and not its input?

Usage: python -m benchmarks.input [--rounds 15] [--rows 131072] [--folder FOLDER]

The same rows in each format: ten lists of integers, eight of one id and two of up to ten, and a
label, in four files. In each round every format reads a turn of batches and the model of a row
takes a turn of training steps on batches that lie in memory, so that whatever else the machine
does hits all alike; medians over the rounds are printed. The first batches of a turn do not count:
they were read ahead during the turns of others.
"""

import argparse
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

import tfrs_afm
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.formats import FormatOptions

fc = tf.feature_column
IDS, DIM, BATCH, FILES, AHEAD, TURN = 100_000, 8, 1024, 4, 4, 16
PATIENCE = 5.0
SINGLE = [f"id_{n}" for n in range(8)]
MANY = ["history_0", "history_1"]
NAMES = [*SINGLE, *MANY]
OPTIONS = {
    "tfrecord": FormatOptions("tfrecord"),
    "tfrecord, gzip": FormatOptions("tfrecord"),
    "parquet": FormatOptions("parquet"),
    "csv": FormatOptions("csv", lists=dict.fromkeys(NAMES, "|")),
    "jsonl": FormatOptions("jsonl"),
}
ENDINGS = {"tfrecord": "tfrecord", "tfrecord, gzip": "tfrecord.gz"}


def rows(count: int, seed: int) -> Iterator[dict[str, Any]]:
    random = np.random.default_rng(seed)
    for _ in range(count):
        lists = {name: random.integers(0, IDS, 1).tolist() for name in SINGLE}
        lists |= {name: random.integers(0, IDS, random.integers(11)).tolist() for name in MANY}
        yield {"label": int(random.integers(2)), **lists}


def example(row: dict[str, Any]) -> bytes:
    lists = {name: tf.train.Int64List(value=row[name]) for name in NAMES}
    lists["label"] = tf.train.Int64List(value=[row["label"]])
    feature = {name: tf.train.Feature(int64_list=values) for name, values in lists.items()}
    return tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString()


def csv_line(row: dict[str, Any]) -> str:
    return ",".join(["|".join(map(str, row[name])) for name in NAMES] + [str(row["label"])]) + "\n"


def write(folder: Path, count: int) -> dict[str, list[Path]]:
    """Writes the rows in each format; returns the files."""
    files: dict[str, list[Path]] = {name: [] for name in OPTIONS}
    for number in range(FILES):
        some = list(rows(count // FILES, number))
        for name, paths in files.items():
            paths.append(folder / f"{number}.{ENDINGS.get(name, name)}")
            if name.startswith("tfrecord"):
                packing = "GZIP" if "gzip" in name else ""
                with tf.io.TFRecordWriter(str(paths[-1]), packing) as file:
                    for row in some:
                        file.write(example(row))
            elif name == "parquet":
                pq.write_table(pa.Table.from_pylist(some), paths[-1])
            else:
                lines = [json.dumps(row) + "\n" for row in some]
                if name == "csv":
                    lines = [",".join([*NAMES, "label"]) + "\n", *map(csv_line, some)]
                paths[-1].write_text("".join(lines))
    return files


def reader(files: list[Path], options: FormatOptions, spec: dict[str, Any]) -> Iterator[Any]:
    """Yields batches for ever, epoch after epoch, shuffled."""
    batch = BatchOptions(batch_size=BATCH, shuffle_buffer=20_000)
    batches = Batches(files, options, spec, batch)
    for epoch in itertools.count():
        yield from batches(epoch, 0)


def trainer(optimizer: Any, columns: list[Any], cached: list[Any]) -> Callable[[], None]:
    """Returns what takes a training step on the next of some batches in memory."""
    model = tfrs_afm.models.AFM(columns, attention_units=16)
    model.compile(optimizer)
    step = tf.function(model.train_step, reduce_retracing=True)
    batches = itertools.cycle(cached)
    return lambda: step(next(batches))


def turn(take: Callable[[], Any]) -> tuple[float, float, bool]:
    """Returns seconds and seconds of CPU of one batch or step; did others read on meanwhile?"""
    busy = not settle()
    for _ in range(AHEAD):
        take()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(TURN):
        take()
    return (time.perf_counter() - wall) / TURN, (time.process_time() - cpu) / TURN, busy


def settle() -> bool:
    """Waits until what others read ahead is read, `PATIENCE` seconds at most; is it?"""
    given_up = time.monotonic() + PATIENCE
    before = time.process_time()
    time.sleep(0.05)
    while time.process_time() - before > 0.005:
        if time.monotonic() > given_up:
            return False
        before = time.process_time()
        time.sleep(0.05)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--rows", type=int, default=131_072)
    parser.add_argument("--folder", type=Path, help="for the files; default: a temporary one")
    given = parser.parse_args()
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(name, IDS), DIM) for name in NAMES
    ]
    spec = tfrs_afm.parse_spec(columns)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        files = write(Path(folder), given.rows)
        takers: dict[str, Callable[[], Any]] = {}
        for name, options in OPTIONS.items():
            batches = reader(files[name], options, spec)
            takers[name] = lambda one=batches: next(one)
        cached = [takers["tfrecord"]() for _ in range(8)]
        steps = {
            "AFM, Adagrad": trainer(tf.keras.optimizers.Adagrad(0.05), columns, cached),
            "AFM, sparse Adam": trainer(tfrs_afm.optimizers.Adam(0.001), columns, cached),
        }
        spent: dict[str, list[tuple[float, float, bool]]] = {name: [] for name in (*takers, *steps)}
        for number in range(given.rounds + 1):
            for name, take in {**takers, **steps}.items():
                one = turn(take)
                if number:  # the first round warms up
                    spent[name].append(one)
        wall, cpu = (
            {name: statistics.median(one[kind] for one in some) for name, some in spent.items()}
            for kind in (0, 1)
        )
        busy = sum(one[2] for some in spent.values() for one in some)
        print(f"TensorFlow {tf.__version__}, load {os.getloadavg()[0]:.1f}; ms a batch of {BATCH}")
        print(f"{busy} turns began while others still read ahead, after {PATIENCE:g} s of waiting")
        print(f"| what | ms | CPU ms | examples/s | {' | '.join(f'{s} takes' for s in steps)} |")
        print("|---|---|---|---|" + "---|" * len(steps))
        for name in spent:
            cells = [f"{1e3 * wall[name]:.1f}", f"{1e3 * cpu[name]:.1f}"]
            cells.append(f"{BATCH / wall[name] / 1e3:.0f}k")
            cells += ["" if name in steps else f"{wall[s] / wall[name]:.1f}x" for s in steps]
            print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
