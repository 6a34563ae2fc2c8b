"""What parses a batch of serialized examples."""

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.example_format import ExampleFormat
from pipelines.readers.format_options import FormatOptions
from pipelines.readers.missing_column import missing_column
from pipelines.readers.targets import targets

_LOOKED_AT = 256  # records of the first file


def example_parser(
    first: Path, options: FormatOptions, spec: Mapping[str, Any], batch: BatchOptions
) -> Callable[[Any, Any], Any]:
    """Returns a function from serialized examples `(batch,)` and their places to a batch.

    Args:
        first: The first file. Its first records say whether label and weight are whole numbers,
            and what a `tf.SequenceExample` has as a list of steps.
        options: The format.
        spec: Feature name -> how to parse it.
        batch: Names of label and weight.

    Raises:
        ValueError: If the file cannot be read or has no label or weight.
    """
    kinds, lists = _look_at(first, options)
    wanted = [name for name in (batch.label, batch.weight) if name is not None]
    for name in wanted:
        if kinds.get(name) not in (int, float):
            if name not in kinds:
                raise missing_column(name, first, sorted(kinds))
            raise ValueError(
                f"`{name}` must be a number. Received: text in {first}. Write it as a number."
            )
    numbers = {
        name: tf.io.FixedLenFeature([], tf.int64 if kinds[name] is int else tf.float32)
        for name in wanted
    }

    sequence = options.format == "sequence_example"

    def read(records: Any, where: Any, some: Mapping[str, Any]) -> dict[str, Any]:
        if not sequence:
            return tf.io.parse_example(records, some, example_names=where) if some else {}
        context = {name: feature for name, feature in some.items() if name not in lists}
        steps = {name: some[name] for name in lists if name in some}
        one, many, _ = tf.io.parse_sequence_example(records, context, steps, where)
        return {**one, **{name: _joined(value) for name, value in many.items()}}

    def parse(records: Any, where: Any) -> Any:
        if numbers.keys().isdisjoint(spec):
            found = read(records, where, {**spec, **numbers})
            features = {name: found[name] for name in spec}
        else:  # a column reads the label too, in another way
            found = read(records, where, numbers)
            features = read(records, where, spec)
        label, weight = (found.get(name or "") for name in (batch.label, batch.weight))
        return targets(features, label, weight, where, batch)

    return parse


def _look_at(first: Path, options: FormatOptions) -> tuple[dict[str, type], set[str]]:
    """Returns the type of each value, and the names of the lists of steps."""
    form = ExampleFormat(options)
    kinds: dict[str, type] = {}
    lists: set[str] = set()
    for _, record in itertools.islice(form.records(first), _LOOKED_AT):
        for name, value in form.row(record).items():
            values = value if isinstance(value, list) else [value]
            if values and values[0] is not None:
                kinds[name] = type(values[0])
        if options.format == "sequence_example":
            lists.update(tf.train.SequenceExample.FromString(record).feature_lists.feature_list)
    return kinds, lists


def _joined(steps: Any) -> Any:
    """Joins the values of the steps, `(batch, steps, values)`, to `(batch, values)`."""
    rows = tf.RaggedTensor.from_value_rowids(
        steps.values, steps.indices[:, 0], steps.dense_shape[0], validate=False
    )
    return rows.to_sparse()
