"""How many threads TensorFlow gets, where its own choice is a slow one."""

import contextlib
import os
from typing import NamedTuple

import tensorflow as tf

from pipelines.configuration.configuration import Configuration
from tfrs_afm import kernels
from tfrs_afm.interactions.pair_blocks import BLOCKS_AT_A_TIME

_SET_BY = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


class Threads(NamedTuple):
    """Threads that share the work of one operation, and operations that run at once."""

    intra_op: int
    inter_op: int


def threads_for(configuration: Configuration, form: str, cores: int) -> Threads | None:
    """Chooses the threads of a training.

    Without the kernels attention goes over blocks of pairs, in operations of some hundred
    microseconds. Two threads in each spend much of their time on waking one another; one thread in
    each of two blocks does not: on two cores a step of an AFM takes 0.65 times as long (wide
    vectors: 0.9). There are `BLOCKS_AT_A_TIME` blocks, which more cores than that would not share.

    Args:
        configuration: Of the model and its training.
        form: `tfrs_afm.kernels.status().form`.
        cores: How many there are.

    Returns:
        The threads, or None: TensorFlow's own choice, as many of both as there are cores.
    """
    model = configuration.model
    in_blocks = model.pooling == "attention" and model.attention_softmax
    in_blocks = in_blocks and not (model.pair_dropout or model.pair_batch_norm)
    if model.kind != "AFM" or not in_blocks or form != "stock":
        return None
    if configuration.training.strategy != "one" or not 1 < cores <= BLOCKS_AT_A_TIME:
        return None
    return Threads(intra_op=1, inter_op=cores)


def set_threads(configuration: Configuration) -> None:
    """Has TensorFlow use the threads that `threads_for` chooses; for programs, before they train.

    Nothing is set where the environment has `TF_NUM_INTRAOP_THREADS` or `TF_NUM_INTEROP_THREADS`,
    or where TensorFlow has been set up or used already.

    Args:
        configuration: Of the model and its training.
    """
    threading = tf.config.threading
    chosen = any(os.environ.get(name) for name in _SET_BY)
    chosen = chosen or threading.get_intra_op_parallelism_threads() != 0
    if chosen or threading.get_inter_op_parallelism_threads() != 0:
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = threads_for(configuration, kernels.status().form, cores or 1)
    if threads is not None:
        with contextlib.suppress(RuntimeError):  # it runs, with the threads it began with
            threading.set_intra_op_parallelism_threads(threads.intra_op)
            threading.set_inter_op_parallelism_threads(threads.inter_op)
