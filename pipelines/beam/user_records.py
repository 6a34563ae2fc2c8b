"""Users' events to serialized examples on the workers of Beam."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam

from pipelines.beam.event_features import event_features
from pipelines.beam.event_settings import EventSettings
from pipelines.beam.parse_event import LABEL
from pipelines.beam.smallest import Smallest
from pipelines.beam.user_examples import user_examples


class UserRecords(beam.DoFn):
    """Writes the examples of a user to the outputs called after the parts, as `tf.Example`.

    The output `counts` gets `(part, (examples, positives, first time, last time))`.

    Args:
        settings: What examples to make.
    """

    COUNTS = "counts"

    def __init__(self, settings: EventSettings) -> None:
        super().__init__()
        self._settings = settings

    def setup(self) -> None:
        """Loads TensorFlow, once a worker."""
        from pipelines.preparation.serialized_example import serialized_example

        self._serialized = serialized_example
        self._features = event_features(self._settings)

    def process(
        self,
        element: tuple[int | str, Smallest],
        starts: Sequence[int],
        candidates: tuple[list[Any], list[str]],
    ) -> Iterator[Any]:
        """Makes the examples of a user."""
        user, events = element
        for time, row in user_examples(events.kept(), self._settings, candidates):
            part = self._settings.parts[bisect_right(starts, time)]
            record = self._serialized(row, self._features, f"an event of user {user!r}")
            yield beam.pvalue.TaggedOutput(part, record)
            counts = (part, (1, row[LABEL], time, time))
            yield beam.pvalue.TaggedOutput(self.COUNTS, counts)
