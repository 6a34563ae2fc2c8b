"""Trains our AFM or DeepFM, measures memory at id level, or compares exported models."""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import numpy as np
import tensorflow as tf
from answer import answer

job = json.loads(sys.argv[1])
if not job.get("kernels", True):
    os.environ["TFRS_AFM_KERNELS"] = "0"
tf.config.threading.set_intra_op_parallelism_threads(job["intra"])
tf.config.threading.set_inter_op_parallelism_threads(job["inter"])

import tfrs_afm
from tfrs_afm import interactions

fc = tf.feature_column
FEATURES = 5400
batch, fields, dim = job["batch"], job["fields"], job["dim"]
rng = np.random.default_rng(0)


def make_model() -> Any:
    if job.get("one_table"):
        ids = fc.sequence_categorical_column_with_identity("ids", FEATURES)
        columns = [fc.embedding_column(ids, dim)]
        return tfrs_afm.models.AFM(
            columns,
            task=tfrs_afm.tasks.AFM(job["units"], metrics=[]),
            embedding=tfrs_afm.IdEmbedding(columns),
        )
    rows = FEATURES // fields
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(f"f{i}", rows), dim)
        for i in range(fields)
    ]
    if job["model"] == "AFM":
        task = tfrs_afm.tasks.AFM(job["units"], metrics=[])
        return tfrs_afm.models.AFM(columns, task=task)
    task = tfrs_afm.tasks.DeepFM(job["tower"], metrics=[])
    return tfrs_afm.models.DeepFM(columns, task=task)


def make_batch() -> tuple[dict, Any]:
    rows = FEATURES // fields
    labels = tf.constant(rng.integers(0, 2, batch), tf.float32)
    if job.get("one_table"):
        ids = rng.integers(0, rows, (batch, fields)) + rows * np.arange(fields)
        return {"ids": tf.constant(ids)}, labels
    features = {f"f{i}": tf.constant(rng.integers(0, rows, batch)) for i in range(fields)}
    return features, labels


def train() -> Callable[[int], Any]:
    """A step of training: forward, backward, Adam."""
    model, batches = make_model(), [make_batch() for _ in range(8)]
    own = job.get("adam", "keras") == "own"
    optimizer = tfrs_afm.optimizers.Adam if own else tf.keras.optimizers.Adam
    model(batches[0][0])
    model.compile(optimizer(0.001))
    model.optimizer.build(model.trainable_variables)
    step = tf.function(lambda features, labels: model.train_step((features, labels))["loss"])
    return lambda number: step(*batches[number % 8]).numpy()


def gemm() -> Callable[[int], Any]:
    """One product of the size that the attention network needs, of (pairs, dim) and W."""
    pairs = batch * fields * (fields - 1) // 2
    left, right = tf.random.normal([pairs, dim]), tf.random.normal([dim, job["units"]])
    step = tf.function(lambda: tf.matmul(left, right)[0, 0])
    return lambda number: step().numpy()


def ids() -> Callable[[int], Any]:
    """A step of an AFM over single ids, with all pairs at once or in blocks."""
    vectors = tf.Variable(tf.random.normal([batch, fields, dim]))
    layer = interactions.AFM(job["units"])
    layer(vectors[:2])

    def whole(members: Any) -> Any:
        pairs, mask = interactions.PairwiseProduct()(members)
        pooled = layer._pooling(pairs, mask=mask)
        return tf.matmul(pooled, layer.projection)

    score = layer if job["blocks"] else whole
    variables = [vectors, *layer.trainable_variables[:-1]]
    optimizer = tf.keras.optimizers.Adam(0.001)
    optimizer.build(variables)

    @tf.function
    def step(examples: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(score(vectors[:examples])))
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    step(tf.constant(1))
    base = peak()

    def run(number: int) -> None:
        step(tf.constant(batch)).numpy()
        if number == 5:
            print(f"peak {peak() - base:.0f}", file=sys.stderr, flush=True)

    return run


def exported() -> Callable[[int], Any]:
    """A request to an exported model, ours or DeepCTR's, through TensorFlow's loader."""
    path = job["path"]
    if job["who"] == "ours":
        model = make_model()
        spec = {f"f{i}": tf.TensorSpec([None], tf.int64, name=f"f{i}") for i in range(fields)}
        serve = tf.function(lambda features: {"scores": model(features)}, input_signature=[spec])
        features, _ = make_batch()
        model(features)
        module = tf.Module()
        module.model = model
        tf.saved_model.save(module, path, signatures=serve.get_concrete_function())
    loaded = tf.saved_model.load(path)
    signature = loaded.signatures["serving_default"]
    wanted = signature.structured_input_signature[1]
    rows = FEATURES // fields
    requests = [
        {
            name: tf.constant(
                rng.integers(0, rows, [batch] + [1] * (len(spec.shape) - 1)), spec.dtype
            )
            for name, spec in wanted.items()
        }
        for _ in range(8)
    ]

    def run(number: int) -> Any:
        (scores,) = signature(**requests[number % 8]).values()
        assert scores.shape[0] == batch
        return scores.numpy()

    run.loaded = loaded  # type: ignore[attr-defined]
    return run


def peak() -> float:
    """Megabytes this process has held at most."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found.group(1)) / 1e3 if found else 0.0


answer({"train": train, "gemm": gemm, "ids": ids, "exported": exported}[job["what"]]())
