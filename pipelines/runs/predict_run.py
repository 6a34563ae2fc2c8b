"""A trained model to predictions in a file."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.files.write_table import write_table
from pipelines.modelling.load_model import load_model
from pipelines.runs.batches_of import BatchesOf
from pipelines.runs.input_files import input_files
from pipelines.runs.predicted import Predicted
from pipelines.runs.run_folder import RunFolder


def predict_run(
    configuration: Configuration,
    out: Path,
    output: Path,
    part: str = "test",
    inputs: Sequence[str] = (),
    form: str | None = None,
) -> int:
    """Writes the prediction of each row, in the order of the rows.

    Each line has `row` (from 0), the group where there is one, the label of a prepared part, and
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
        ValueError: If the folder is not that of a run, or the data not as it must be.
    """
    folder = RunFolder(out)
    spec = folder.spec()
    model = load_model(folder.model)
    group = configuration.data.group
    names = [] if group is None else [group]
    batches = BatchesOf(configuration, spec, model.columns)
    if inputs:
        files, found = input_files(inputs, form, configuration.data)
        rows = batches.files(files, found, names, labelled=False)(0, 0)
    else:
        rows = batches.part(folder.data, part, names)(0, 0)
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
