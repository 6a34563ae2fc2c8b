"""Joins requests that wait into one run, as TensorFlow Serving's BatchingSession does."""

import os
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from serving.server.metrics import Metrics
from serving.session.session import Session
from serving.status_error import Code, StatusError, internal, invalid

Array = np.ndarray[Any, Any]
Feeds = Mapping[str, Array]

PER_MODEL_FILE = "batching_params.pbtxt"
"""In a version's folder, with `enable_per_model_batching_parameters`."""


@dataclass(frozen=True)
class BatchingParameters:
    """How requests are joined; names, meaning and defaults are TensorFlow Serving's.

    Attributes:
        max_batch_size: Most rows of a batch, and of a request.
        batch_timeout_micros: How long the first request of a batch waits for others while a thread
            is free.
        max_enqueued_batches: Batches that may wait before requests are refused.
        num_batch_threads: Threads that compute batches, of each version that is loaded.
        thread_pool_name: Name of these threads, and of their metrics.
        allowed_batch_sizes: Sizes that batches are filled up to; increasing, the last one is
            `max_batch_size`. Empty for any.
        pad_variable_length_inputs: Whether requests of different widths are joined, the narrower
            ones filled up with their own first element.
        enable_large_batch_splitting: Must be False; requests are not split here.
        max_execution_batch_size: For `enable_large_batch_splitting` only.

    Raises:
        StatusError: INVALID_ARGUMENT if a number is not positive or the sizes do not fit;
            UNIMPLEMENTED if requests are to be split.
    """

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    thread_pool_name: str = "model_server_batch_threads"
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = 0

    def __post_init__(self) -> None:
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            if getattr(self, name) < 1:
                raise invalid(f"{name} must be positive; was {getattr(self, name)}")
        if self.batch_timeout_micros < 0:
            raise invalid(
                f"batch_timeout_micros must not be negative; was {self.batch_timeout_micros}"
            )
        if self.enable_large_batch_splitting or self.max_execution_batch_size:
            raise StatusError(
                Code.UNIMPLEMENTED, "enable_large_batch_splitting is not supported by this server"
            )
        sizes = self.allowed_batch_sizes
        if any(low >= high for low, high in zip((0, *sizes), sizes, strict=False)):
            raise invalid("allowed_batch_sizes entries must be monotonically increasing")
        if sizes and sizes[-1] != self.max_batch_size:
            raise invalid(
                "Last entry in allowed_batch_sizes must match max_batch_size; last entry was "
                f"{sizes[-1]}; expected {self.max_batch_size}"
            )


@dataclass(eq=False)
class _Task:
    """A request that waits, and later its answer."""

    feeds: Feeds
    size: int
    queued: float
    deadline: float  # on the monotonic clock
    done: threading.Event = field(default_factory=threading.Event)
    outputs: list[Array] = field(default_factory=list)
    error: StatusError | None = None


class _Queue:
    """The batches of one set of inputs and outputs; the last one is open for more."""

    def __init__(self, fetches: list[str]) -> None:
        self.fetches = fetches
        self.batches: deque[list[_Task]] = deque([[]])

    def ready_at(self, parameters: BatchingParameters) -> float | None:
        """When its first batch may be computed, on the monotonic clock; None if it has none."""
        first = self.batches[0]
        if not first:
            return None
        if len(self.batches) > 1 or _size(first) >= parameters.max_batch_size:
            return 0.0
        return first[0].queued + parameters.batch_timeout_micros / 1e6

    def pop(self) -> list[_Task]:
        """Takes the first batch out; none joins it any more."""
        if len(self.batches) == 1:
            self.batches.append([])
        return self.batches.popleft()


class Batcher:
    """Runs a session on joined requests, and hands each its part of the answer.

    Requests of the same inputs and outputs are joined along their first dimension while all
    threads are busy, or for `batch_timeout_micros`. What is wrong with a request by itself is told
    to it alone; what the joined run fails of is told to all who are in it.

    Args:
        session: Computes the batches.
        parameters: How requests are joined.
        metrics: Takes how long requests waited.
    """

    def __init__(self, session: Session, parameters: BatchingParameters, metrics: Metrics) -> None:
        self._session = session
        self._parameters = parameters
        self._metrics = metrics
        self._changed = threading.Condition()
        self._queues: dict[Any, _Queue] = {}
        self._closed = False
        name = parameters.thread_pool_name
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}_{number}", daemon=True)
            for number in range(parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def run_tensors(
        self, feeds: Feeds, fetches: Sequence[str], *, timeout_ms: int = 0
    ) -> list[Array]:
        """As `Session.run_tensors`, in a batch with others.

        Raises:
            StatusError: INVALID_ARGUMENT if the inputs have no or different first dimensions, or
                more rows than a batch; UNAVAILABLE if too many batches wait; RESOURCE_EXHAUSTED
                if the time was over before a thread was free; else what the joined run says.
        """
        size = _rows(feeds)
        most = self._parameters.max_batch_size
        if size > most:
            raise invalid(f"Task size {size} is larger than maximum input batch size {most}")
        now = time.monotonic()
        deadline = now + timeout_ms / 1e3 if timeout_ms > 0 else float("inf")
        task = _Task(feeds, size, now, deadline)
        # The server's key is the names alone, so that there one request of a wrong dtype fails
        # all that it meets. Here it meets its like only.
        kinds = frozenset((name, array.dtype) for name, array in feeds.items())
        key = (kinds, frozenset(fetches))
        with self._changed:
            if self._closed:
                raise StatusError(Code.FAILED_PRECONDITION, "The session is closed.")
            queue = self._queues.setdefault(key, _Queue(sorted(set(fetches))))
            self._enqueue(queue, task)
            self._changed.notify()
        task.done.wait()
        if task.error is not None:
            raise StatusError(task.error.code, task.error.message)
        found = dict(zip(queue.fetches, task.outputs, strict=True))
        return [found[name] for name in fetches]

    def _enqueue(self, queue: _Queue, task: _Task) -> None:
        if _size(queue.batches[-1]) + task.size > self._parameters.max_batch_size:
            waiting, limit = len(queue.batches), self._parameters.max_enqueued_batches
            if waiting >= limit:
                raise StatusError(
                    Code.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full; "
                    f"currently {waiting} batches enqueued and max_enqueued_batches is {limit}",
                )
            queue.batches.append([])
        queue.batches[-1].append(task)

    def _work(self) -> None:
        while True:
            taken = self._take()
            if taken is None:
                return
            fetches, tasks = taken
            try:
                outputs = self._run(fetches, tasks)
            except Exception as raised:
                for task in tasks:
                    task.error = internal(raised)
            else:
                for task, arrays in zip(tasks, outputs, strict=True):
                    task.outputs = arrays
            for task in tasks:
                task.done.set()

    def _take(self) -> tuple[list[str], list[_Task]] | None:
        """Waits for a batch; None when there will be none."""
        with self._changed:
            while True:
                now = time.monotonic()
                due = {
                    key: at
                    for key, queue in self._queues.items()
                    if (at := queue.ready_at(self._parameters)) is not None
                }
                for key, at in due.items():
                    if at <= now or self._closed:
                        queue = self._queues.pop(key)
                        tasks = queue.pop()
                        if queue.batches[0]:
                            self._queues[key] = queue  # at the end: each has its turn
                        self._changed.notify()  # there may be more than this
                        return queue.fetches, tasks
                if self._closed:
                    return None
                self._changed.wait(min(due.values()) - now if due else None)

    def _run(self, fetches: list[str], tasks: list[_Task]) -> list[list[Array]]:
        now = time.monotonic()
        labels = (("thread_pool_name", self._parameters.thread_pool_name),)
        for task in tasks:
            micros = (now - task.queued) * 1e6
            self._metrics.latency("batching_session:queuing_latency", labels, micros)
        deadline = max(task.deadline for task in tasks)
        if deadline <= now:
            raise StatusError(
                Code.RESOURCE_EXHAUSTED, "Run() timeout exceeded while waiting in batching queue"
            )
        timeout_ms = 0 if deadline == float("inf") else max(int((deadline - now) * 1e3), 1)
        rows = _size(tasks)
        filled = next((size for size in self._parameters.allowed_batch_sizes if size >= rows), rows)
        feeds = {
            name: self._joined(name, [task.feeds[name] for task in tasks], filled)
            for name in tasks[0].feeds
        }
        outputs = self._session.run_tensors(feeds, fetches, timeout_ms=timeout_ms)
        for array in outputs:
            if not array.ndim:
                raise StatusError(
                    Code.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions"
                )
            if array.shape[0] != len(next(iter(feeds.values()))):
                raise StatusError(
                    Code.FAILED_PRECONDITION,
                    "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                    "dimension sizes of the input tensors",
                )
        ends = np.cumsum([task.size for task in tasks]).tolist()
        return [
            [array[end - task.size : end] for array in outputs]
            for task, end in zip(tasks, ends, strict=True)
        ]

    def _joined(self, name: str, arrays: list[Array], filled: int) -> Array:
        """The requests' arrays of one input on each other, filled up with copies of a row."""
        if any(array.shape[1:] != arrays[0].shape[1:] for array in arrays):
            ranks = {array.ndim for array in arrays}
            if not self._parameters.pad_variable_length_inputs or len(ranks) > 1:
                raise StatusError(
                    Code.FAILED_PRECONDITION,
                    f"Tensors with name '{name}' from different tasks have different shapes and "
                    "padding is turned off. Set pad_variable_length_inputs to true, or ensure that "
                    "all tensors with the same name have equal dimensions starting with the first "
                    "dim.",
                )
            wanted = tuple(np.max([array.shape[1:] for array in arrays], axis=0).tolist())
            arrays = [_widened(array, wanted) for array in arrays]
        missing = filled - sum(map(len, arrays))
        if missing:
            row = next((array[:1] for array in reversed(arrays) if len(array)), None)
            arrays = arrays if row is None else [*arrays, *[row] * missing]
        return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)

    def close(self) -> None:
        """Computes what waits, and ends the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()


def _size(tasks: list[_Task]) -> int:
    return sum(task.size for task in tasks)


def _rows(feeds: Feeds) -> int:
    """The first dimension that all inputs have."""
    if not feeds:
        raise invalid("Batching Run() must have at least one input tensor")
    if any(not array.ndim for array in feeds.values()):
        raise invalid("Batching Run() input tensors must have at least one dimension")
    sizes = {array.shape[0] for array in feeds.values()}
    if len(sizes) > 1:
        raise invalid("Batching Run() input tensors must have equal 0th-dimension size")
    return int(sizes.pop())


def _widened(array: Array, sizes: tuple[int, ...]) -> Array:
    """An array whose rows have these sizes, filled up with its own first element."""
    shape = (array.shape[0], *sizes)
    if shape == array.shape:
        return array
    wide = np.empty(shape, array.dtype)
    if wide.size:
        if not array.size:
            raise invalid("Got empty tensor in batch of non-empty tensors.")
        wide[...] = array.flat[0]
        wide[tuple(map(slice, array.shape))] = array
    return wide
