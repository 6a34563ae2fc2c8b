"""Trains or exports DeepCTR's AFM or DeepFM; run by an interpreter that has deepctr 0.9.4."""

import json
import os
import sys

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", TF_USE_LEGACY_KERAS="1", CUDA_VISIBLE_DEVICES="-1")

import numpy as np
import tensorflow as tf

job = json.loads(sys.argv[1])
tf.config.threading.set_intra_op_parallelism_threads(job["intra"])
tf.config.threading.set_inter_op_parallelism_threads(job["inter"])

from answer import answer
from deepctr.feature_column import DenseFeat, SparseFeat, VarLenSparseFeat
from deepctr.models import AFM, DeepFM

FEATURES, LONG = job.get("ids", 5400), 50
batch, fields = job["batch"], job["fields"]
numbers, lists = job.get("numbers", 0), job.get("lists", 0)
rows = FEATURES // fields
columns = [SparseFeat(f"f{i}", rows, embedding_dim=job["dim"]) for i in range(fields)]
columns += [DenseFeat(f"n{i}", 1) for i in range(numbers)]
columns += [  # 0 is padding
    VarLenSparseFeat(SparseFeat(f"h{i}", rows, embedding_dim=job["dim"]), LONG, "mean")
    for i in range(lists)
]
none = {"l2_reg_linear": 0, "l2_reg_embedding": 0}
if job["model"] == "AFM":
    model = AFM(columns, columns, attention_factor=job["units"], l2_reg_att=0, **none)
else:
    model = DeepFM(columns, columns, dnn_hidden_units=job["tower"], l2_reg_dnn=0, **none)

if job.get("export"):
    tf.saved_model.save(model, job["export"])
    sys.exit()

rng = np.random.default_rng(0)


def lists_of_ids() -> np.ndarray:
    places = np.arange(LONG) < rng.integers(0, LONG + 1, (batch, 1))
    return np.where(places, rng.integers(1, rows, (batch, LONG)), 0)


batches = [
    (
        {f"f{i}": tf.constant(rng.integers(0, rows, (batch, 1)), tf.int32) for i in range(fields)}
        | {f"n{i}": tf.constant(rng.random((batch, 1)), tf.float32) for i in range(numbers)}
        | {f"h{i}": tf.constant(lists_of_ids(), tf.int32) for i in range(lists)},
        tf.constant(rng.integers(0, 2, (batch, 1)), tf.float32),
    )
    for _ in range(8)
]
optimizer = tf.keras.optimizers.Adam(0.001)
optimizer.build(model.trainable_variables)
loss_of = tf.keras.losses.BinaryCrossentropy()


@tf.function
def train(features: dict, labels: tf.Tensor) -> tf.Tensor:
    with tf.GradientTape() as tape:
        loss = loss_of(labels, model(features, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return loss


answer(lambda number: train(*batches[number % 8]).numpy())
