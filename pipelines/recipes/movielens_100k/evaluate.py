"""Judges the models of MovieLens-100K beside the baselines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tfrs_afm
from pipelines.baselines.popularity import Popularity
from pipelines.datasets.read_examples import read_examples
from pipelines.datasets.read_ids import read_ids
from pipelines.evaluation.ranking_metrics import ranking_metrics
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.recipes.movielens_100k.build import MODELS
from pipelines.recipes.movielens_100k.load import load

_BATCH = 4096


def evaluate(
    data: Path, run: Path, parts: Sequence[str] = ("test",)
) -> dict[str, dict[str, dict[str, float]]]:
    """Returns the metrics of AFM, DeepFM, logistic regression and popularity.

    Args:
        data: The folder of `prepare` that the models were trained on.
        run: A folder of `train`.
        parts: Of "train", "validation" and "test".

    Returns:
        Part -> model or baseline -> metric -> number; see `ranking_metrics`.

    Raises:
        ValueError: If a folder or its files are not what they must be, there is no such part, or
            it is too small for a metric to be defined.
    """
    spec = FeatureSpec.read(data)
    past, seen = read_ids(spec.files(data, "train"), ["movie_id"], spec.label)
    popularity = Popularity(seen["movie_id"], past)
    models = {name: load(name, data, run) for name in MODELS}
    return {part: _on_part(data, spec, part, models, popularity) for part in parts}


def _on_part(
    data: Path, spec: FeatureSpec, part: str, models: dict[str, Any], popularity: Popularity
) -> dict[str, dict[str, float]]:
    files = spec.files(data, part)
    labels, ids = read_ids(files, [str(spec.group), "movie_id"], spec.label)
    scores: dict[str, Any] = {}
    for name, model in models.items():
        parsing = tfrs_afm.parse_spec(model.columns)
        examples = read_examples(files, parsing, spec.label, _BATCH)
        scores[name] = model.predict(examples, verbose=0)[:, 0]
    scores["popularity"] = popularity.predict(ids["movie_id"])
    return {
        name: ranking_metrics(ids[str(spec.group)], labels, score) for name, score in scores.items()
    }
