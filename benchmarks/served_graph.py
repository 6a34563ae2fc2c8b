"""Served graphs through TensorFlow's C library: ours, DeepCTR's, and one written by hand.

Usage: python -m benchmarks.served_graph [--deepctr PYTHON] [--rounds 60] [--rows AFM DeepFM lists]

`--deepctr` is an interpreter of an environment with deepctr 0.9.4 on TensorFlow. All graphs of a
row are sessions of one process with one thread each, and take turns. What is written by hand holds
the maths alone: a gather a column and the interaction, no masks, no missing values, no errors that
name a feature. Prints medians and 99th percentiles in milliseconds, the time to load, the size of
saved_model.pb, and the operations that are left after TensorFlow's optimizer.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

import serving
import tfrs_afm

fc = tf.feature_column
RNG = np.random.default_rng(0)
IDS, DIM, UNITS, TOWER, LONG = 540, 16, 16, [64, 32], 50  # ids: as the DeepCTR worker has them
ROWS = {"AFM": (10, 0), "DeepFM": (10, 0), "lists": (26, 2)}
ONE_THREAD = tf.compat.v1.ConfigProto(
    intra_op_parallelism_threads=1, inter_op_parallelism_threads=1
).SerializeToString()


class ByHand(tf.Module):
    """Tables, and as few operations as the maths takes; means over lists of one length."""

    def __init__(self, kind: str, columns: int, lists: int) -> None:
        super().__init__()
        self.kind, self.names = kind, [f"f{i}" for i in range(columns)]
        self.lists = [f"h{i}" for i in range(lists)]
        fields = columns + lists
        draw = tf.random.stateless_normal
        self.tables = [tf.Variable(draw([IDS, DIM], [1, i])) for i in range(fields)]
        self.weights = [tf.Variable(draw([IDS, 1], [2, i])) for i in range(fields)]
        self.kernel, self.bias = tf.Variable(draw([DIM, UNITS], [3, 0])), tf.Variable([0.0] * UNITS)
        self.head, self.out = tf.Variable(draw([UNITS, 1], [4, 0])), tf.Variable(tf.ones([DIM, 1]))
        self.layers, width = [], fields * DIM
        for size in (*TOWER, 1):
            self.layers.append(tf.Variable(draw([width, size], [5, size]) * 0.1))
            width = size
        pairs = [(i, j) for i in range(fields) for j in range(i + 1, fields)]
        self.first = tf.constant([i for i, _ in pairs])
        self.second = tf.constant([j for _, j in pairs])
        raw = {name: tf.TensorSpec([None], tf.int64, name) for name in self.names}
        raw |= {name: tf.TensorSpec([None, None], tf.int64, name) for name in self.lists}
        self.functions = {
            "tensors": tf.function(self.score, [raw]),
            "serving_default": tf.function(
                self.parsed, [tf.TensorSpec([None], tf.string, "examples")]
            ),
        }

    def parsed(self, examples: Any) -> dict[str, Any]:
        """Scores serialized examples."""
        spec = {name: tf.io.FixedLenFeature([], tf.int64) for name in self.names}
        spec |= {name: tf.io.FixedLenFeature([LONG], tf.int64) for name in self.lists}
        return self.score(tf.io.parse_example(examples, spec))

    def score(self, features: Any) -> dict[str, Any]:
        """Scores tensors by feature."""
        looked_up = [
            [tf.gather(table, features[name]) for name, table in zip(names, tables, strict=True)]
            for names, tables in (
                (self.names, self.tables[: len(self.names)]),
                (self.names, self.weights[: len(self.names)]),
                (self.lists, self.tables[len(self.names) :]),
                (self.lists, self.weights[len(self.names) :]),
            )
        ]
        means = [[tf.reduce_mean(one, axis=1) for one in part] for part in looked_up[2:]]
        vectors = tf.stack(looked_up[0] + means[0], axis=1)
        logits = tf.add_n(looked_up[1] + means[1])
        if self.kind == "AFM":
            pairs = tf.gather(vectors, self.first, axis=1) * tf.gather(vectors, self.second, axis=1)
            flat = tf.reshape(pairs, [-1, DIM])
            hidden = tf.nn.relu(tf.nn.bias_add(tf.matmul(flat, self.kernel), self.bias))
            scores = tf.reshape(tf.matmul(hidden, self.head), [-1, 1, len(self.first)])
            pooled = tf.squeeze(tf.matmul(tf.nn.softmax(scores), pairs), 1)
            logits += tf.matmul(pooled, self.out)
        else:
            total = tf.square(tf.reduce_sum(vectors, axis=1))
            second = total - tf.reduce_sum(tf.square(vectors), axis=1)
            logits += 0.5 * tf.reduce_sum(second, axis=1, keepdims=True)
            hidden = tf.reshape(vectors, [-1, self.layers[0].shape[0]])
            for layer in self.layers[:-1]:
                hidden = tf.nn.relu(tf.matmul(hidden, layer))
            logits += tf.matmul(hidden, self.layers[-1])
        return {"predictions": tf.reshape(tf.sigmoid(logits), [-1])}


def ours(kind: str, columns: int, lists: int, folder: Path) -> Path:
    """Trains for a step, and exports."""
    plain = [fc.categorical_column_with_identity(f"f{i}", IDS) for i in range(columns)]
    long = [fc.sequence_categorical_column_with_identity(f"h{i}", IDS) for i in range(lists)]
    made = [fc.embedding_column(column, DIM) for column in (*plain, *long)]
    model = (
        tfrs_afm.models.AFM(made, attention_units=UNITS)
        if kind == "AFM"
        else tfrs_afm.models.DeepFM(made, units=TOWER)
    )
    model.compile("sgd")
    model.fit(drawn(columns, lists, 64), np.tile([0.0, 1.0], 32), verbose=0)
    return Path(serving.export(model, folder / "ours"))


def drawn(columns: int, lists: int, batch: int) -> dict[str, np.ndarray]:
    return {
        **{f"f{i}": RNG.integers(IDS, size=batch) for i in range(columns)},
        **{f"h{i}": RNG.integers(IDS, size=(batch, LONG)) for i in range(lists)},
    }


def serialized(features: dict[str, np.ndarray]) -> list[bytes]:
    rows = []
    for row in range(len(features["f0"])):
        example = tf.train.Example()
        for name, column in features.items():
            put = example.features.feature[name].int64_list.value
            put.extend(np.atleast_1d(column[row]).tolist())
        rows.append(example.SerializeToString())
    return rows


def operations(path: Path, signature: str, inputs: dict[str, Any]) -> int:
    """How many operations a request runs through, after TensorFlow's optimizer."""
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], str(path))
        definition = loaded.signature_def[signature]
        feed = {definition.inputs[name].name: value for name, value in inputs.items()}
        options = tf.compat.v1.RunOptions(output_partition_graphs=True)
        metadata = tf.compat.v1.RunMetadata()
        output = next(iter(definition.outputs.values())).name
        session.run(output, feed, options, metadata)
    return sum(len(graph.node) for graph in metadata.partition_graphs)


def size(path: Path) -> float:
    return (path / "saved_model.pb").stat().st_size / 1000


def measure(row: str, given: argparse.Namespace, folder: Path) -> None:
    columns, lists = ROWS[row]
    kind = "DeepFM" if row == "lists" else row
    exports = {"ours": ours(kind, columns, lists, folder), "by hand": folder / "by_hand"}
    by_hand = ByHand(kind, columns, lists)
    tf.saved_model.save(by_hand, str(exports["by hand"]), signatures=by_hand.functions)
    if given.deepctr and not lists:
        exports["DeepCTR"] = folder / "deepctr"
        job = {
            "model": kind, "batch": 1, "fields": columns, "dim": DIM, "units": UNITS,
            "tower": TOWER, "intra": 1, "inter": 1, "export": str(exports["DeepCTR"]),
        }  # fmt: skip
        worker = Path(__file__).parent / "peers" / "deepctr_worker.py"
        subprocess.run([given.deepctr, str(worker), json.dumps(job)], check=True)
    sessions, loads = {}, {}
    for who, path in exports.items():
        times = []
        for _ in range(3):
            start = time.perf_counter()
            sessions[who] = serving.Session(path, config=ONE_THREAD)
            times.append(time.perf_counter() - start)
        loads[who] = float(np.median(times))
    for batch in (1, 100, 1000):
        features = drawn(columns, lists, batch)
        examples = {"examples": serialized(features)}
        lengths = {f"h{i}_length": np.full(batch, LONG) for i in range(lists)}
        calls: dict[str, Callable[[], Any]] = {
            "ours, tensors": _call(sessions["ours"], "tensors", {**features, **lengths}),
            "by hand, tensors": _call(sessions["by hand"], "tensors", features),
            "ours, examples": _call(sessions["ours"], "serving_default", examples),
            "by hand, examples": _call(sessions["by hand"], "serving_default", examples),
        }
        if "DeepCTR" in sessions:
            raw = {name: one[:, np.newaxis].astype(np.int32) for name, one in features.items()}
            calls["DeepCTR, tensors"] = _call(sessions["DeepCTR"], "serving_default", raw)
        took = paired(calls, given.rounds)
        shown = "; ".join(
            f"{who} {np.median(one):.2f} ({np.percentile(one, 99):.2f})"
            for who, one in took.items()
        )
        print(f"| {row} | {batch} | {shown} |", flush=True)
    features = drawn(columns, lists, 2)
    lengths = {f"h{i}_length": np.full(2, LONG) for i in range(lists)}
    counts = (
        operations(exports["ours"], "tensors", {**features, **lengths}),
        operations(exports["ours"], "serving_default", {"examples": serialized(features)}),
    )
    shown = "; ".join(f"{w} {loads[w]:.2f} s, {size(exports[w]):.0f} kB" for w in exports)
    print(f"| {row} | load, pb | {shown} |")
    print(f"| {row} | operations | ours, tensors {counts[0]}; ours, examples {counts[1]} |")


def _call(session: Any, signature: str, inputs: dict[str, Any]) -> Callable[[], Any]:
    outputs = ["predictions"] if "predictions" in _outputs(session, signature) else None
    return lambda: session.run(signature, inputs, outputs=outputs)


def _outputs(session: Any, signature: str) -> set[str]:
    return set(session.signatures[signature].outputs)


def paired(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, np.ndarray]:
    """Milliseconds of each call; the calls take turns."""
    for call in list(calls.values()) * 3:
        call()
    times: dict[str, list[float]] = {who: [] for who in calls}
    for _ in range(rounds):
        for who, call in calls.items():
            start = time.perf_counter()
            call()
            times[who].append((time.perf_counter() - start) * 1e3)
    return {who: np.array(one) for who, one in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--deepctr", help="interpreter with deepctr 0.9.4")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--rows", nargs="*", default=list(ROWS), choices=list(ROWS))
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}; milliseconds, median (99th percentile)")
    for row in given.rows:
        with tempfile.TemporaryDirectory() as folder:
            measure(row, given, Path(folder))


if __name__ == "__main__":
    main()
