"""TFRecord of `ExampleListWithContext`, the ranking data of TF-Ranking."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.readers.examples import ExampleFormat
from pipelines.readers.formats import FormatOptions

LIST_ID = "list_id"
"""The feature that tells lists apart, for `data.group`."""


class ElwcFormat:
    """A row for each example of a list: its features and those of the list's context.

    Rows are numbered through the file. Where no feature has that name, `list_id` is a text that
    all rows of a list share and no other list has.

    Args:
        options: The format.
    """

    unit = "row"
    names: tuple[str, ...] | None = None

    def __init__(self, options: FormatOptions) -> None:
        self._examples = ExampleFormat(options)

    def records(self, path: Path) -> Iterator[tuple[int, Any]]:
        """Yields the name of the list, its context and an example, for each example."""
        # Of the package that TF-Ranking takes it from; few need it.
        from tensorflow_serving.apis.input_pb2 import ExampleListWithContext

        number = 0
        for place, record in self._examples.records(path):
            try:
                some = ExampleListWithContext.FromString(record)
            except Exception as error:
                if type(error).__name__ != "DecodeError":
                    raise
                problem = f"A record must be an ExampleListWithContext. Received: {error}"
                yield number, ValueError(problem)
                number += 1
                continue
            told = f"{path.name} {place} ".encode() + record
            name = hashlib.sha256(told).hexdigest()[:16]
            for example in some.examples:
                yield number, (name, some.context, example)
                number += 1

    def row(self, record: Any) -> dict[str, Any]:
        """Makes a row of an example and its context.

        Raises:
            ValueError: If both have a feature, or a text is not UTF-8.
        """
        name, context, example = record
        shared = context.features.feature.keys() & example.features.feature.keys()
        if shared:
            raise ValueError(
                f"`{min(shared)}` must be a feature of the context or of the examples. "
                "Received: both"
            )
        values = self._examples.values
        return {LIST_ID: name, **values(context), **values(example)}

    def arrays(self, records: Any, wanted: Any) -> None:
        """Says that each record needs a look."""
