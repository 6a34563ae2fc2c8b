"""The model of a run to predictions in a file."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from pipelines.configuration.configuration import Configuration
from pipelines.evaluation.feature_values import feature_values
from pipelines.files.write_table import write_table
from pipelines.modelling.build_model import load_model
from pipelines.runs.batches_of import BatchesOf, input_files
from pipelines.runs.run_folder import RunFolder
from tfrs_afm.types import Model


@dataclasses.dataclass(frozen=True)
class Predicted:
    """What a model says of some rows, in their order.

    Attributes:
        predictions: `(examples,)`.
        labels: `(examples,)`, or None.
        weights: `(examples,)`, or None.
        values: Feature -> its value in each row, as `feature_values` gives them: a number or
            text, or a list where it is of any length.
    """

    predictions: NDArray[np.float64]
    labels: NDArray[np.float64] | None
    weights: NDArray[np.float64] | None
    values: dict[str, list[Any]]

    @classmethod
    def of(
        cls, model: Model, batches: Iterable[Any], names: Sequence[str], *, labelled: bool
    ) -> "Predicted":
        """Asks a model for predictions.

        Args:
            model: A `tfrs.Model`, or what `scoring` made of one.
            batches: `(features, labels[, weights])`, or features alone.
            names: The features to keep.
            labelled: Whether the batches have labels.

        Returns:
            The predictions.
        """
        some = list(cls.each(model, batches, names, labelled=labelled))

        def joined(arrays: list[Any]) -> Any:
            known = [array for array in arrays if array is not None]
            return np.concatenate(known) if known else None

        return cls(
            np.concatenate([one.predictions for one in some]),
            joined([one.labels for one in some]),
            joined([one.weights for one in some]),
            {name: [value for one in some for value in one.values[name]] for name in names},
        )

    @classmethod
    def each(
        cls, model: Model, batches: Iterable[Any], names: Sequence[str], *, labelled: bool
    ) -> "Iterator[Predicted]":
        """Asks a model for predictions, batch by batch; arguments as for `of`.

        Yields:
            The predictions of each batch.
        """
        made = isinstance(model, tf.types.experimental.PolymorphicFunction)
        score: Any = model if made else scoring(model)
        for batch in batches:
            features, *targets = batch if labelled else (batch,)
            flat = [target.numpy()[:, 0].astype(np.float64) for target in targets]
            yield cls(
                score(features).numpy()[:, 0].astype(np.float64),
                flat[0] if flat else None,
                flat[1] if len(flat) > 1 else None,
                {name: feature_values(features[name]) for name in names},
            )

    def column(self, name: str) -> NDArray[Any]:
        """Returns a feature with one value a row as an array; a missing one is "" or -1.

        Raises:
            ValueError: If a row has several.
        """
        flat = self.single(name)
        known = next((value for value in flat if value is not None), "")
        missing: Any = "" if isinstance(known, str) else -1
        return np.asarray([missing if value is None else value for value in flat])

    def single(self, name: str) -> list[Any]:
        """Returns a feature with one value a row; a missing one is None.

        Raises:
            ValueError: If a row has several.
        """
        flat = []
        for row, value in enumerate(self.values[name]):
            values = value if isinstance(value, list) else [value]
            if len(values) > 1:
                raise ValueError(
                    f"`{name}` must have one value in each row to group by it. "
                    f"Received: {name}={values} in row {row}."
                )
            flat.append(values[0] if values else None)
        return flat


def scoring(model: Model) -> Any:
    """A model's predictions as a graph: whoever asks for several splits makes it once.

    Args:
        model: A `tfrs.Model`.

    Returns:
        A `tf.function` of features.
    """

    @tf.function(reduce_retracing=True)
    @tf.autograph.experimental.do_not_convert  # as in training: nothing to convert
    def score(features: Any) -> Any:
        return model(features, training=False)

    return score


def predict_run(
    configuration: Configuration,
    out: Path,
    output: Path,
    part: str = "test",
    inputs: Sequence[str] = (),
    form: str | None = None,
) -> int:
    """Writes the prediction of each row, in the order of the rows.

    Each line has `row` (from 0), the group where there is one, the label of a prepared split, and
    `prediction`. They are written as they come, however many they are.

    Args:
        configuration: That of the run.
        out: The folder of the run.
        output: The file; `.json`, `.jsonl`, `.csv` (each also with `.gz`) or `.parquet`.
        part: Of the prepared examples; not looked at with `inputs`.
        inputs: Paths or globs of files to predict instead; they need no label.
        form: How they are written; by default what their ending says.

    Returns:
        How many predictions there are.

    Raises:
        ValueError: If the folder is not that of a run, or a row is invalid.
    """
    folder = RunFolder(out)
    spec = folder.spec()
    model = load_model(folder.checked_model())
    group = configuration.data.group
    names = [] if group is None else [group]
    batches = BatchesOf(configuration, spec, model.columns)
    if inputs:
        files, found = input_files(inputs, form, configuration.data)
        rows = batches.files(files, found, names, labelled=False)
    else:
        rows = batches.part(folder.data, part, names)
    some = Predicted.each(model, rows, names, labelled=not inputs)
    return write_table(output, _lines(some, group, spec.label))


def _lines(some: Iterator[Predicted], group: str | None, label: str) -> Iterator[dict[str, Any]]:
    number = 0
    for predicted in some:
        count = len(predicted.predictions)
        table: dict[str, Any] = {"row": range(number, number + count)}
        if group is not None:
            table[group] = predicted.single(group)
        if predicted.labels is not None:
            table[label] = predicted.labels
        table["prediction"] = predicted.predictions
        for line in zip(*table.values(), strict=True):
            yield dict(zip(table, line, strict=True))
        number += count
