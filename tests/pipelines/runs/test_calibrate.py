"""A model trained on other odds than the truth's, exported, answers what is true."""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.training import Training
from pipelines.modelling.build_model import load_model
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.reporting.gather_contents import gather_contents
from pipelines.reporting.sections import slices
from pipelines.runs.calibrate import check_calibration
from pipelines.runs.export_run import export_run
from pipelines.runs.predict_run import predict_run
from pipelines.runs.run_folder import RunFolder
from pipelines.runs.train_run import train_run

USERS, ITEMS, TIMES = 12, 15, 40


def truth(user: int, item: int) -> float:
    """The probability of a click; a pair of fields decides it."""
    return 0.45 if (user + item) % 3 == 0 else 0.1


RATE = (0.45 + 0.1 + 0.1) / 3


def clicks(path: Path | None, settings: Mapping[str, Any]) -> dict[str, Iterable[dict[str, Any]]]:
    """Each pair 40 times in each split, just as often clicked as is true: no noise of a draw."""

    def rows(seed: int) -> list[dict[str, Any]]:
        made = [
            {"user": user, "item": item, "label": float(one < round(TIMES * truth(user, item)))}
            for user in range(USERS)
            for item in range(ITEMS)
            for one in range(TIMES)
        ]
        np.random.default_rng(seed).shuffle(made)
        return made

    return {part: rows(seed) for seed, part in enumerate(("train", "validation", "test"))}


COLUMNS = [
    {"kind": "categorical_column_with_identity", "key": "user", "num_buckets": USERS},
    {"kind": "categorical_column_with_identity", "key": "item", "num_buckets": ITEMS},
]
WEIGHTS = {"class_weights": [1.0, 5.0]}
NEGATIVES = {"negatives": {"item": "item", "per_positive": 4}}


def configuration(calibration: str | None, **training: Any) -> Configuration:
    return Configuration.model_validate(
        {
            "data": {"source": "clicks", "label": "label", "batch_size": 256},
            "columns": COLUMNS,
            "model": {"dim": 4, "attention_units": 4},
            "training": {
                "epochs": 4,
                "optimizer": {"learning_rate": 0.05},
                "calibration": calibration,
                **training,
            },
            "evaluation": {"bootstrap": 20, "slices": ["user"]},
        }
    )


def predictions(folder: Path, configured: Configuration) -> Any:
    predict_run(configured, folder, folder / "predicted.json")
    return np.array(
        [row["prediction"] for row in json.loads((folder / "predicted.json").read_text())]
    )


@pytest.mark.long
def test_class_weights_are_taken_off_in_closed_form(tmp_path: Path) -> None:
    configured = configuration("prior", **WEIGHTS)
    train_run(configured, tmp_path / "run", source=clicks)
    model = load_model(tmp_path / "run/model.keras")
    assert model.task.calibration.shift == pytest.approx(-np.log(5))
    assert predictions(tmp_path / "run", configured).mean() == pytest.approx(RATE, rel=0.05)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without calibration."""
    folder = tmp_path_factory.mktemp("clicks") / "run"
    train_run(configuration(None, **NEGATIVES), folder, source=clicks)
    return folder


@pytest.mark.long
@pytest.mark.parametrize("kind", ["temperature", "isotonic"])
def test_a_run_with_negatives_is_calibrated_by_going_on_and_serves_the_base_rate(
    run: Path, kind: str, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    before = predictions(run, configuration(None, **NEGATIVES))
    assert before.mean() < 0.7 * RATE
    configured = configuration(kind, **NEGATIVES)
    found = train_run(configured, tmp_path / "run", resume=True, source=clicks)
    after = predictions(tmp_path / "run", configured)
    assert after.mean() == pytest.approx(RATE, rel=0.02)
    was = json.loads((run / "metrics.json").read_text())["test"]["AFM"]
    assert found["test"]["AFM"]["auc"]["value"] == pytest.approx(was["auc"]["value"], abs=1e-4)
    errors = [one["calibration_error"]["value"] for one in (found["test"]["AFM"], was)]
    assert errors[0] < 0.25 * errors[1]

    export_run(configured, tmp_path / "run")
    (version,) = [path for path in (tmp_path / "run/export").iterdir() if path.name.isdigit()]
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    examples = read_feature_records(tmp_path / "run")
    answers = served(examples=tf.constant(examples))["predictions"].numpy()
    assert answers.mean() == pytest.approx(RATE, rel=0.02)
    np.testing.assert_allclose(answers, after, atol=1e-5)

    contents = gather_contents(configured, tmp_path / "run")
    assert list(contents.evaluated) == ["AFM", "before calibration"]
    np.testing.assert_allclose(contents.evaluated["before calibration"].predictions, before)
    odds = sum(contents.examples[0].parts.values())
    assert contents.examples[0].prediction == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-5)
    table = slices(contents)["tables"][0]  # type: ignore[index]
    assert table.headings[-1] == "calibration error before calibration"
    error = table.headings.index("calibration error")
    gaps = [(row[error].interval.value, row[-1].interval.value) for row in table.rows]  # type: ignore[union-attr]
    assert len(gaps) == USERS
    assert np.mean([one < other for one, other in gaps]) > 0.9


def read_feature_records(folder: Path) -> list[bytes]:
    """The prepared examples of the test split, serialized."""
    files = [str(path) for path in RunFolder(folder).spec().files(folder / "data", "test")]
    return list(tf.data.TFRecordDataset(files).as_numpy_iterator())


SPLITS: dict[str, tuple[int, int | None]] = {"train": (10, 5)}


@pytest.mark.parametrize(
    ("splits", "training", "message"),
    [
        (SPLITS, {"calibration": "isotonic"}, "must have a validation split"),
        (SPLITS, {"calibration": "temperature"}, "'temperature' and the splits train"),
        ({"train": (9, 9)}, {"calibration": "prior", **NEGATIVES}, "9 positives of 9 examples"),
        (SPLITS, {"calibration": "prior", "class_weights": [0.0, 1.0]}, r"class_weights=\[0.0, 1"),
    ],
)
def test_what_cannot_be_calibrated_is_found_before_training(
    splits: dict[str, tuple[int, int | None]], training: dict[str, Any], message: str
) -> None:
    parts = {name: FeatureSpec.Part((), *counts) for name, counts in splits.items()}
    spec = FeatureSpec("", "", {}, "label", None, {}, parts)
    with pytest.raises(ValueError, match=message):
        check_calibration(Training(**training), spec)
    check_calibration(Training(**{**training, "calibration": None}), spec)


def test_only_probabilities_are_calibrated() -> None:
    with pytest.raises(ValueError, match=r"`training.calibration` must be left out with task.loss"):
        Configuration.model_validate(
            {**configuration("prior").model_dump(), "task": {"loss": "mean_squared_error"}}
        )
