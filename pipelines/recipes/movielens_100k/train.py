"""Trains the models of MovieLens-100K and judges them."""

import dataclasses
from pathlib import Path

import tfrs_afm
from pipelines.datasets.read_examples import read_examples
from pipelines.files.atomic_folder import atomic_folder
from pipelines.files.content_hash import content_hash
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.readers.check_records import check_records
from pipelines.recipes.movielens_100k.build import MODELS, build
from pipelines.recipes.movielens_100k.evaluate import evaluate
from pipelines.recipes.movielens_100k.run import Run
from pipelines.recipes.movielens_100k.settings import Settings
from pipelines.training.fit_best import fit_best


def train(data: Path, out: Path, settings: Settings | None = None) -> Run:
    """Trains AFM, DeepFM and logistic regression, or finds that it is done already.

    Each model keeps the weights with the best validation logloss. Then these three and the
    popularity of the film are judged on the validation and on the test part. With one version of
    TensorFlow on one kind of machine, equal examples and settings give equal numbers.

    Args:
        data: A folder of `prepare`.
        out: The folder of the run: `metrics.json`, and for each model `checkpoint` and `logs`, for
            TensorBoard. It appears whole or not at all. A run with other examples or settings that
            lies there is replaced.
        settings: Hyper-parameters; by default those chosen on the validation part.

    Returns:
        The description of the run.

    Raises:
        ValueError: If `data` is not a folder of `prepare`, a file of it is empty or cut off, or
            `out` is a folder of something else.
    """
    settings = settings or Settings()
    spec = FeatureSpec.read(data)
    files = [path for part in spec.parts for path in spec.files(data, part)]
    for path in files:  # now, and not after the minutes that the training part takes
        check_records(path)
    key = content_hash(files, {"spec": spec.key, **dataclasses.asdict(settings), "models": 1})
    if out.exists():
        if out.is_dir() and not any(out.iterdir()):
            out.rmdir()
        elif Run.read(out).key == key:
            return Run.read(out)
    with atomic_folder(out) as folder:
        histories = {}
        for name in MODELS:
            (folder / name).mkdir()
            histories[name] = _fit(name, data, spec, settings, folder / name)
        run = Run(key, spec.key, settings, histories, {})
        run.write(folder)
        run.metrics.update(evaluate(data, folder, ["validation", "test"]))
        run.write(folder)
    return run


def _fit(
    name: str, data: Path, spec: FeatureSpec, settings: Settings, folder: Path
) -> dict[str, list[float]]:
    model = build(name, spec, settings)
    parsing = tfrs_afm.parse_spec(model.columns)
    examples, held_out = (
        read_examples(
            spec.files(data, part),
            parsing,
            spec.label,
            settings.batch_size,
            shuffle_buffer=spec.parts[part].examples if part == "train" else 0,
            seed=settings.seed,
        )
        for part in ("train", "validation")
    )
    return fit_best(
        model,
        examples,
        held_out,
        folder,
        epochs=settings.epochs,
        patience=settings.patience,
        description=f"Training {name}",
    )
