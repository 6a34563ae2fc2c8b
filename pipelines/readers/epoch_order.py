"""Which files a worker reads in an epoch, and in which order."""

import numpy as np

from pipelines.readers.batch_options import BatchOptions


def epoch_order(
    num_files: int, options: BatchOptions, epoch: int
) -> tuple[list[int], bool, list[int]]:
    """Decides the order of an epoch by the seed and the number of the epoch alone.

    Args:
        num_files: How many files there are.
        options: Seed, shuffling and the share of the worker.
        epoch: Number of the epoch, from 0.

    Returns:
        Numbers of the worker's files in the order to read them; whether the worker keeps only
        every `num_workers`-th row of them; and two seeds for shuffling rows, at least 0.

    Example:
        >>> epoch_order(3, BatchOptions(worker=1, num_workers=2), epoch=0)[:2]
        ([1], False)
    """
    by_row = num_files < options.num_workers
    files = range(num_files) if by_row else range(options.worker, num_files, options.num_workers)
    random = np.random.default_rng([options.seed, epoch])
    order = random.permutation(files) if options.shuffle_buffer else np.array(files)
    return order.tolist(), by_row, random.integers(2**32, size=2).tolist()
