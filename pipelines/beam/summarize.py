"""Our mergeable summaries as a combiner of Beam."""

from collections.abc import Callable, Iterable
from typing import Any

import apache_beam as beam


class Summarize(beam.CombineFn):
    """Combines by an object with `add` and `merge`; the result is the object.

    Args:
        summary: Class of the object, such as `ValueCounts`.
        size: Its one argument.
    """

    def __init__(self, summary: Callable[[int], Any], size: int) -> None:
        super().__init__()
        self._summary = summary
        self._size = size

    def create_accumulator(self) -> Any:
        """Makes an empty summary."""
        return self._summary(self._size)

    def add_input(self, mutable_accumulator: Any, element: Any) -> Any:
        """Takes an element."""
        mutable_accumulator.add(element)
        return mutable_accumulator

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        """Merges summaries into a new one."""
        merged = self.create_accumulator()
        for accumulator in accumulators:
            merged.merge(accumulator)
        return merged

    def extract_output(self, accumulator: Any) -> Any:
        """Returns the summary."""
        return accumulator
