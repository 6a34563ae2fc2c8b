"""A version number that nobody else uploads to."""

import random
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import tensorflow as tf

from serving.publishing.object_store.store_names import store_names
from serving.publishing.version_number import version_number

_CLAIM = re.compile(r"\.claim-(\d+)-[0-9a-f]+")
_PAUSE_SECONDS = 0.2


@contextmanager
def claim(base: str) -> Iterator[int]:
    """Takes the number above all that are there or claimed, as long as the block runs.

    An object store has no rename and, through TensorFlow, no write that fails where a name is
    taken. So an exporter writes a claim of its own, `.claim-<number>-<random>`, and only then
    looks: where it sees the number, a higher one or another claim on it, it withdraws and tries
    again. Of two that look after they wrote, at least one sees the other. A claim goes when the
    upload is whole or removed; that of a killed exporter stays, and its number is never used.

    The limit: a store must list what was written before (S3, GCS and Azure do; a store whose
    lists lag may let two exporters through), and all must publish by this function.

    Args:
        base: The model's address; made if needed.

    Yields:
        The number.
    """
    base = base.rstrip("/")
    tf.io.gfile.makedirs(base)
    while True:
        number = max((_number(name) for name in store_names(base)), default=0) + 1
        mine = f".claim-{number}-{uuid.uuid4().hex}"
        try:
            with tf.io.gfile.GFile(f"{base}/{mine}", "w") as file:
                file.write(str(number))  # some stores make no object of no bytes
            if not any(_bars(name, number) for name in store_names(base) if name != mine):
                yield number
                return
        finally:
            with suppress(tf.errors.OpError):  # what is left only takes a number
                tf.io.gfile.remove(f"{base}/{mine}")
        time.sleep(random.uniform(0.0, _PAUSE_SECONDS))  # two that withdrew must not go in step


def _number(name: str) -> int:
    """The number that a name takes, 0 for a name that takes none."""
    claimed = _CLAIM.fullmatch(name)
    return int(claimed[1]) if claimed else max(version_number(name) or 0, 0)


def _bars(name: str, number: int) -> bool:
    """Whether a name that another exporter made forbids a number."""
    found = _number(name)
    # Below the highest no server would look; and a higher one may have pruned the number away.
    return found == number or (found > number and not _CLAIM.fullmatch(name))
