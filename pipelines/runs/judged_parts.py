"""The metrics of a model on prepared parts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.runs.batches_of import BatchesOf
from pipelines.runs.judge import judge
from pipelines.runs.popularity_of import popularity_of
from pipelines.runs.predicted import Predicted


def judged_parts(
    configuration: Configuration,
    model: Any,
    spec: FeatureSpec,
    prepared: Path,
    parts: Sequence[str],
) -> dict[str, Any]:
    """Judges a model on prepared parts.

    Args:
        configuration: Of the model.
        model: The model.
        spec: The description of the examples.
        prepared: Their folder.
        parts: Which parts.

    Returns:
        Part -> model or baseline -> metric -> `{value, low, high}`.
    """
    popularity = popularity_of(configuration, spec, prepared)
    batches = BatchesOf(configuration, spec, model.columns)
    data, item = configuration.data, configuration.evaluation.item
    names = [name for name in dict.fromkeys((data.group, item)) if name is not None]
    found = {}
    for part in parts:
        examples = batches.part(prepared, part, names)(0, 0)
        predicted = Predicted.of(model, examples, names, labelled=True)
        found[part] = judge(configuration, predicted, popularity)
    return found
