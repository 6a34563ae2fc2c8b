"""Trains our DeepFM from files, as `pipelines` does: its reader, its batches, its steps."""

import json
import os
import sys
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import tensorflow as tf
from answer import answer

job = json.loads(sys.argv[1])
tf.config.threading.set_intra_op_parallelism_threads(job["intra"])
tf.config.threading.set_inter_op_parallelism_threads(job["inter"])

import tfrs_afm
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.formats import FormatOptions
from pipelines.training.steps import Steps

fc = tf.feature_column
ROUND = 8  # steps in one call of TensorFlow
rows = job["ids"] // job["fields"]
ids = [
    fc.categorical_column_with_hash_bucket(f"f{i}", rows, tf.int64) for i in range(job["fields"])
]
ids += [
    fc.sequence_categorical_column_with_hash_bucket(f"h{i}", rows, tf.int64)
    for i in range(job["lists"])
]
columns = [fc.embedding_column(one, job["dim"]) for one in ids]
columns += [fc.numeric_column(f"n{i}") for i in range(job["numbers"])]
task = tfrs_afm.tasks.DeepFM(job["tower"], metrics=[])
model = tfrs_afm.models.DeepFM(columns, task=task)
batches = Batches(
    [Path(one) for one in job["files"]],
    FormatOptions(job["format"]),
    tfrs_afm.parse_spec(columns),
    BatchOptions(batch_size=job["batch"], shuffle_buffer=20_000),
)
epoch = 0
data = iter(batches(epoch, 0))
model(next(data)[0])
model.compile(tfrs_afm.optimizers.Adam(0.001))
model.optimizer.build(model.trainable_variables)
steps = Steps(model.train_step, tf.distribute.get_strategy())


def train(_: int) -> None:
    """Some steps; at the end of the files the next epoch begins."""
    global data, epoch
    left = ROUND
    while left:
        left -= (done := steps(data, left).steps)
        if not done:
            epoch += 1
            data = iter(batches(epoch, 0))


answer(train)
