"""Which batches are made of rows, and in which order."""

import dataclasses
from collections.abc import Mapping

import numpy as np


@dataclasses.dataclass(frozen=True)
class BatchOptions:
    """The label, the size of a batch, the order of the rows, and the share of a worker.

    Attributes:
        label: Name of the label, a number that each row must have. None: batches have no labels.
        weight: Name of the weight of a row in the loss, a number from 0 that each row must have.
        positive_from: The label is 1 where it is at least so much, otherwise 0.
        label_values: The label is text, and this says which number each text is.
        label_range: Smallest and largest label there may be, after `positive_from`.
        batch_size: Rows a batch; the last one may be smaller.
        shuffle_buffer: Rows that are shuffled together; the more, the better mixed, and with as
            many as there are it is a full shuffle. 0 keeps the order of the files.
        seed: With the number of the epoch, decides the order, and nothing else does.
        worker: Number of this worker, from 0.
        num_workers: How many workers share the rows. With as many files as workers or more, each
            reads files of its own; with fewer, each reads all files and keeps rows of its own.
    """

    label: str | None = "label"
    weight: str | None = None
    positive_from: float | None = None
    label_values: Mapping[str, float] = dataclasses.field(default_factory=dict)
    label_range: tuple[float, float] | None = None
    batch_size: int = 1024
    shuffle_buffer: int = 0
    seed: int = 0
    worker: int = 0
    num_workers: int = 1

    def __post_init__(self) -> None:
        """Checks the numbers.

        Raises:
            ValueError: If one is out of range.
        """
        for name, least in (("batch_size", 1), ("shuffle_buffer", 0), ("seed", 0), ("worker", 0)):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"`{name}` must be at least {least}. Received: {name}={value}.")
        if self.worker >= self.num_workers:
            raise ValueError(
                "`worker` must be less than the number of workers. Received: "
                f"worker={self.worker} and num_workers={self.num_workers}."
            )
        if (
            self.label is None
            and (self.weight, self.positive_from, self.label_range, self.label_values or None)
            != (None,) * 4
        ):
            raise ValueError(
                "`label` must be given with a weight or a range. Received: label=None."
            )


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
