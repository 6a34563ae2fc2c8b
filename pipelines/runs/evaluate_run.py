"""A trained model to metrics, on any part or any files."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.modelling.load_model import load_model
from pipelines.runs.batches_of import BatchesOf
from pipelines.runs.input_files import input_files
from pipelines.runs.judge import judge
from pipelines.runs.judged_parts import judged_parts
from pipelines.runs.popularity_of import popularity_of
from pipelines.runs.predicted import Predicted
from pipelines.runs.run_folder import RunFolder


def evaluate_run(
    configuration: Configuration,
    out: Path,
    part: str = "test",
    inputs: Sequence[str] = (),
    form: str | None = None,
) -> dict[str, dict[str, Any]]:
    """Judges the model of a run, and writes `metrics.json` where a part was judged.

    Args:
        configuration: That of the run; its section `evaluation` may be another.
        out: The folder of the run.
        part: Of the prepared examples; not looked at with `inputs`.
        inputs: Paths or globs of files to judge it on instead, with labels.
        form: How they are written; by default what their ending says.

    Returns:
        Model or baseline -> metric -> `{value, low, high}`.

    Warns:
        UserWarning: If bad rows of files were skipped; it counts them and names the first.

    Raises:
        ValueError: If the folder is not that of a run, or the data not as it must be.
    """
    folder = RunFolder(out)
    spec, prepared = folder.spec(), folder.data
    model = load_model(folder.model)
    if not inputs:
        metrics = judged_parts(configuration, model, spec, prepared, [part])
        folder.write_metrics({**folder.metrics, **metrics})
        return metrics[part]
    files, found = input_files(inputs, form, configuration.data)
    item = configuration.evaluation.item
    wanted = (configuration.data.group, item)
    names = [name for name in dict.fromkeys(wanted) if name is not None]
    batches = BatchesOf(configuration, spec, model.columns).files(files, found, names)
    predicted = Predicted.of(model, batches(0, 0), names, labelled=True)
    if batches.bad_rows.count:
        warnings.warn(batches.bad_rows.report(), stacklevel=2)
    return judge(configuration, predicted, popularity_of(configuration, spec, prepared))
