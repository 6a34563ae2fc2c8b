"""Embedding layers against those of tf_keras: forward and backward, paired in one process.

Usage: python -m benchmarks.embeddings [--rounds 40]

Each round runs ours and theirs one after the other on the same batch; medians of the times and of
the ratios are printed. Graph mode, four batches of random ids in turn, dimension 16. Backward is
the gradient of all tables for a given gradient of the output; no loss is timed.
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
DIM = 16
RNG = np.random.default_rng(0)
Forward = Callable[[Any], Any]


def lists(batch: int, longest: int, ids: int, *, full: bool) -> tf.SparseTensor:
    lengths = np.full(batch, longest) if full else RNG.integers(0, longest + 1, batch)
    flat = RNG.integers(0, ids, lengths.sum())
    return tf.RaggedTensor.from_row_lengths(flat, lengths).to_sparse()


def step(forward: Forward, variables: list) -> Callable[[Any], Any]:
    @tf.function(reduce_retracing=True)
    def run(features: Any, upstream: Any) -> Any:
        with tf.GradientTape() as tape:
            vectors = forward(features)
        return vectors, tape.gradient(vectors, variables, output_gradients=upstream)

    return run


def compare(
    name: str, ours: Forward, layer: Any, theirs: Forward, layers: list, batches: list, rounds: int
) -> None:
    upstream = tf.random.normal(tf.shape(ours(batches[0])))
    theirs(batches[0])
    mine = step(ours, layer.trainable_variables)
    other = step(theirs, [v for one in layers for v in one.trainable_variables])
    for features in batches * 2:
        mine(features, upstream)
        other(features, upstream)
    times = np.zeros((rounds, 2))
    for number in range(rounds):
        features = batches[number % len(batches)]
        for column, run in enumerate((mine, other)):
            start = time.perf_counter()
            run(features, upstream)
            times[number, column] = time.perf_counter() - start
    milliseconds = np.median(times, axis=0) * 1e3
    ratio = np.median(times[:, 1] / times[:, 0])
    print(f"| {name} | {milliseconds[0]:.2f} | {milliseconds[1]:.2f} | {ratio:.2f}x |", flush=True)


def sequences(
    kind: str, columns: int, batch: int, longest: int, *, full: bool, rounds: int
) -> None:
    ids = 100_000

    def make(name: str) -> Any:
        if kind == "identity":
            return fc.sequence_categorical_column_with_identity(name, ids)
        return fc.sequence_categorical_column_with_hash_bucket(name, ids, tf.int64)

    names = [f"c{i}" for i in range(columns)]
    embedded = [fc.embedding_column(make(name), DIM, "mean") for name in names]
    batches = [{name: lists(batch, longest, ids, full=full) for name in names} for _ in range(4)]
    layer = tfrs_afm.FieldEmbedding(embedded, linear=False)
    layers = [tf.keras.experimental.SequenceFeatures([column]) for column in embedded]

    def masked_means(features: Any) -> Any:
        means = []
        for one in layers:
            vectors, lengths = one(features)
            mask = tf.sequence_mask(lengths, tf.shape(vectors)[1], tf.float32)[:, :, tf.newaxis]
            total = tf.reduce_sum(vectors * mask, axis=1)
            means.append(tf.math.divide_no_nan(total, tf.reduce_sum(mask, axis=1)))
        return tf.stack(means, axis=1)

    name = f"{columns} sequence column(s), {kind}, batch {batch}, up to {longest} ids"
    compare(name, lambda f: layer(f).vectors, layer, masked_means, layers, batches, rounds)


def scalars(*, dense: bool, rounds: int) -> None:
    ids, batch = 1000, 4096
    names = [f"c{i}" for i in range(26)]
    embedded = [
        fc.embedding_column(fc.categorical_column_with_identity(name, ids), DIM) for name in names
    ]

    def feature() -> Any:
        if dense:
            return tf.constant(RNG.integers(0, ids, batch))
        return lists(batch, 1, ids, full=True)

    batches = [{name: feature() for name in names} for _ in range(4)]
    layer = tfrs_afm.FieldEmbedding(embedded, linear=False)
    theirs = tf.keras.layers.DenseFeatures(embedded)

    def fields(features: Any) -> Any:
        return tf.reshape(theirs(features), [-1, 26, DIM])

    name = f"26 scalar identity columns, batch 4096, {'dense' if dense else 'sparse'} input"
    compare(name, lambda f: layer(f).vectors, layer, fields, [theirs], batches, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    tf.get_logger().setLevel("ERROR")
    print("| what | ours, ms | tf_keras, ms | ratio |\n|---|---|---|---|")
    for kind in ("identity", "hash"):
        sequences(kind, 1, 1024, 50, full=False, rounds=rounds)
    sequences("identity", 10, 1024, 20, full=True, rounds=rounds)
    for dense in (False, True):
        scalars(dense=dense, rounds=rounds)


if __name__ == "__main__":
    main()
