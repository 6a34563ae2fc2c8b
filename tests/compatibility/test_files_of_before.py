"""What an earlier release wrote is read, scores the same, and goes on.

Each archive was written by the release itself, see `make_files.py`.
"""

import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import serving
import tfrs_afm
from pipelines.__main__ import main
from pipelines.configuration.load_configuration import load_configuration
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.runs.run_folder import RunFolder
from pipelines.runs.train_run import train_run
from tests.compatibility.make_files import models, tensors

ARCHIVES = sorted(Path(__file__).parent.glob("*.tar.xz"))
NAMES = ["afm", "deepfm"]


@pytest.fixture(scope="module", params=ARCHIVES, ids=lambda path: path.name.partition(".")[0])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    with tarfile.open(request.param) as archive:
        archive.extractall(folder, filter="data")
    return folder


def features(files: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((files / "features.json").read_text())
    return found


def same_scores(model: tf.keras.Model, files: Path, name: str) -> None:
    scores = model.predict(tensors(features(files)), verbose=0)
    np.testing.assert_allclose(scores, np.load(files / f"{name}.npy"), rtol=0, atol=1e-6)


@pytest.mark.matrix
@pytest.mark.parametrize("name", NAMES)
def test_a_keras_file_loads_and_scores_the_same(name: str, files: Path) -> None:
    same_scores(tf.keras.models.load_model(files / f"{name}.keras"), files, name)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_restores_weights_and_slots(name: str, files: Path) -> None:
    model = models()[name]
    model.compile(tfrs_afm.optimizers.Adam(0.05))
    model(tensors(features(files)))
    model.optimizer.build(model.trainable_variables)
    path = str(files / f"{name}-ckpt")
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).read(path).assert_consumed()
    same_scores(model, files, name)
    assert int(model.optimizer.iterations) == 9
    slots = [variable for variable in model.optimizer.variables if variable.shape.rank]
    assert all(np.abs(slot.numpy()).max() > 0 for slot in slots)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_weights_load(name: str, files: Path) -> None:
    model = models()[name]
    model(tensors(features(files)))
    model.load_weights(str(files / f"{name}-weights")).expect_partial()
    same_scores(model, files, name)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_served_version_is_verified_and_answers_the_same(name: str, files: Path) -> None:
    version = files / f"{name}-versions" / "1"
    assert serving.verify(version) > 0
    plain = features(files)
    rows = [dict(zip(plain, values, strict=True)) for values in zip(*plain.values(), strict=True)]
    with serving.Client(version) as client:
        scores = client.predict(rows)
    found = np.asarray(next(iter(scores.values())) if isinstance(scores, dict) else scores)
    expected = np.load(files / f"{name}.npy")
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=0, atol=1e-5)


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_the_model_exported_today_answers_the_golden_rows_of_then_by_every_signature(
    name: str, files: Path, tmp_path: Path
) -> None:
    model = tf.keras.models.load_model(files / f"{name}.keras")
    version = serving.export(model, tmp_path)
    sidecar = version / "assets.extra" / "tfrs_afm.json"
    now = json.loads(sidecar.read_text())
    then = json.loads((files / f"{name}-versions/1/assets.extra/tfrs_afm.json").read_text())
    requests = then["golden"]["requests"]
    assert now["signatures"].keys() == requests.keys()
    asked = requests["tensors"]["inputs"]
    for feature, spec in now["signatures"]["tensors"]["inputs"].items():
        if len(spec["shape"]) == 1 and f"{feature}_length" in asked:  # it was a list of at most one
            lengths = asked.pop(f"{feature}_length")
            assert max(lengths) <= 1
            empty = "" if spec["dtype"] == "string" else -1
            rows = zip(asked[feature], lengths, strict=True)
            asked[feature] = [row[0] if length else empty for row, length in rows]
    now["golden"]["requests"] = requests
    sidecar.write_text(json.dumps(now))
    assert serving.verify(version) > 0


def test_a_prepared_folder_is_read_and_not_prepared_again(files: Path) -> None:
    spec = FeatureSpec.read(files / "run" / "data")
    assert "vocabulary(tags)" in spec.fitted
    configuration = load_configuration(files / "clicks.toml")
    from pipelines.preparation.prepare import prepare

    assert prepare(configuration, files / "run" / "data", replace=False) == spec


@pytest.mark.long
def test_a_run_goes_on_as_if_the_release_had_not_changed(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    folder = RunFolder(Path("run"))
    configuration_file = folder.path / "configuration.json"
    known = json.loads(configuration_file.read_text())
    known["data"]["train"] = [str(files / "clicks.csv")]  # it was another folder then
    configuration_file.write_text(json.dumps(known))
    before = folder.metrics["test"]
    assert main(["evaluate", "--out", "run"]) == 0
    now = RunFolder(Path("run")).metrics["test"]
    for model, metrics in now.items():
        for metric, found in metrics.items():
            former = metric.replace("grouped_", "group_").replace("_at_", "_")
            assert found["value"] == pytest.approx(before[model][former]["value"], nan_ok=True)
    configuration = load_configuration(Path("clicks.toml"), ["training.epochs=4"])
    train_run(configuration, Path("run"), resume=True)
    curve = [json.loads(line) for line in Path("run/history.jsonl").read_text().splitlines()]
    whole = [json.loads(line) for line in Path("whole.jsonl").read_text().splitlines()]
    assert len(curve) == len(whole) == 4
    for one, other in zip(curve, whole, strict=True):
        for key in ("step", "loss", "val_loss", "val_auc"):
            assert one[key] == pytest.approx(other[key], rel=1e-4), key
