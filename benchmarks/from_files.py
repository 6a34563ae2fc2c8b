"""Training from files beside peers whose batches lie in memory.

Usage: python -m benchmarks.from_files --deepctr PYTHON --torch PYTHON [--rounds 5] [--only CASE]

A DeepFM of 26 hashed columns and 13 numbers, batch 1024, tower 256-128, dim 16, Adam; one thread
each. Ours reads, shuffles and hashes rows of Parquet and of TFRecord through `pipelines`; DeepCTR
0.9.4 and PyTorch (dense Adam, SparseAdam) get integers that are hashed already, in eight batches in
memory. The interpreters are of environments with deepctr, and with torch. All are processes that
live at the same time and take turns; what counts is all CPU time of a process between the ends of
its turns, reading ahead included. Printed are rows a CPU second, medians over the rounds.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.interactions import Contestant, contest

BATCH, FIELDS, NUMBERS, LONG, FILES = 1024, 26, 13, 50, 4
ROUND = 8  # steps of ours in one turn's step, as in the worker
CASES = {
    "10k ids": (10_000, 0),
    "1M ids": (1_000_000, 0),
    "1M ids, two lists of up to 50": (1_000_000, 2),
    "10M ids": (10_000_000, 0),
}


def table(count: int, ids: int, lists: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        f"f{i}": rng.integers(0, 4 * ids // FIELDS, count) for i in range(FIELDS)
    }
    columns |= {f"n{i}": rng.random(count, np.float32) for i in range(NUMBERS)}
    for i in range(lists):
        starts = np.r_[0, np.cumsum(rng.integers(0, LONG + 1, count))].astype(np.int32)
        values = rng.integers(0, 4 * ids // FIELDS, starts[-1])
        columns[f"h{i}"] = pa.ListArray.from_arrays(starts, values)
    return pa.table({**columns, "label": rng.integers(0, 2, count)})


def write(folder: Path, rows: int, ids: int, lists: int) -> dict[str, list[str]]:
    """Writes the same rows in both formats; returns the files."""
    import tensorflow as tf

    files: dict[str, list[str]] = {"parquet": [], "tfrecord": []}
    for number in range(FILES):
        some = table(rows // FILES, ids, lists, number)
        for name, paths in files.items():
            paths.append(str(folder / f"{number}.{name}"))
        pq.write_table(some, files["parquet"][-1])
        with tf.io.TFRecordWriter(files["tfrecord"][-1]) as file:
            for row in some.to_pylist():
                example = tf.train.Example()
                for key, value in row.items():
                    feature = example.features.feature[key]
                    one = feature.float_list if key[0] == "n" else feature.int64_list
                    one.value.extend(value if isinstance(value, list) else [value])
                file.write(example.SerializeToString())
    return files


def measure(case: str, given: argparse.Namespace, folder: Path) -> None:
    ids, lists = CASES[case]
    job = {
        "model": "DeepFM", "batch": BATCH, "fields": FIELDS, "dim": 16, "tower": [256, 128],
        "ids": ids, "numbers": NUMBERS, "lists": lists, "cpu": True, "turns": True,
    }  # fmt: skip
    files = write(folder, given.rows, ids, lists)
    contestants = {
        f"ours, {name}": Contestant(
            sys.executable, "files_worker.py", {**job, "files": paths, "format": name}, "1x1"
        )
        for name, paths in files.items()
    }
    if given.deepctr and ids < 10_000_000:  # at 10M one step takes dense Adams seconds
        contestants["DeepCTR"] = Contestant(given.deepctr, "deepctr_worker.py", job, "1x1")
    if given.torch and ids < 10_000_000:
        contestants["PyTorch, Adam"] = Contestant(given.torch, "torch_worker.py", job, "1x1")
    if given.torch:
        sparse = {**job, "sparse": True}
        contestants["PyTorch, SparseAdam"] = Contestant(
            given.torch, "torch_worker.py", sparse, "1x1"
        )
    contest(contestants, given.rounds, given.steps)
    rates = {
        who: BATCH * (ROUND if who.startswith("ours") else 1) / statistics.median(one.seconds)
        for who, one in contestants.items()
    }
    best = max((rate for who, rate in rates.items() if not who.startswith("ours")), default=0.0)
    cells = "; ".join(
        f"{who} {rate / 1e3:.1f}k"
        + (f" ({rate / best:.2f}x the best peer)" if best and who.startswith("ours") else "")
        for who, rate in rates.items()
    )
    print(f"| {case} | {cells} | load {os.getloadavg()[0]:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--deepctr", help="interpreter with deepctr 0.9.4")
    parser.add_argument("--torch", help="interpreter with PyTorch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="of each in a turn")
    parser.add_argument("--rows", type=int, default=131_072)
    parser.add_argument("--only", nargs="*", default=list(CASES), choices=list(CASES))
    given = parser.parse_args()
    for case in given.only:
        with tempfile.TemporaryDirectory() as folder:
            measure(case, given, Path(folder))


if __name__ == "__main__":
    main()
