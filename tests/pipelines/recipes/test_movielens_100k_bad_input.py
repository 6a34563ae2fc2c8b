"""Bad input of the recipes of MovieLens-100K through the whole path: file, batches, model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.configuration import Configuration
from pipelines.configuration.load_configuration import load_configuration
from pipelines.fitting.fit import Fitted
from pipelines.modelling.build_model import build_model
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.preparation.prepare import prepare
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.formats import FormatOptions
from pipelines.runs.train_run import train_run
from tests.pipelines.movielens_files import log, write_recbole

pytestmark = pytest.mark.long  # all of it after whole trainings

GOOD: dict[str, list[Any]] = {
    "rating": [1.0],
    "user_id": [1],
    "age": [24],
    "gender": [b"M"],
    "occupation": [b"technician"],
    "zip_prefix": [b"857"],
    "movie_id": [1],
    "release_year": [1995],
    "genres": [b"Comedy", b"Drama"],
    "history": [2, 5],
}
MODELS = ("afm", "deepfm")


def configured(kind: str, raw: Path) -> Configuration:
    return load_configuration(f"movielens-100k-{kind}", [f"data.path={raw}", "training.epochs=1"])


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recbole(tmp_path_factory.mktemp("movielens") / "raw", log(200, seed=5))


@pytest.fixture(scope="module")
def spec(raw: Path) -> FeatureSpec:
    return prepare(configured("afm", raw), raw.parent / "data")


@pytest.fixture(scope="module")
def models(raw: Path, spec: FeatureSpec) -> dict[str, Any]:
    fitted = Fitted(spec.fitted)
    made = {kind: build_model(configured(kind, raw), fitted) for kind in MODELS}
    for model in made.values():
        # As if trained: fresh linear weights are zero and hide what changes.
        for place, weight in enumerate(model.trainable_weights):
            weight.assign(tf.random.stateless_normal(weight.shape, [place, 1], stddev=0.5))
    return made


def record(example: dict[str, list[Any]]) -> bytes:
    made = tf.train.Example()
    for name, values in example.items():
        kind = made.features.feature[name]
        if isinstance(values[0], bytes):
            kind.bytes_list.value.extend(values)
        elif isinstance(values[0], int):
            kind.int64_list.value.extend(values)
        else:
            kind.float_list.value.extend(values)
    return bytes(made.SerializeToString())


def scored(model: Any, path: Path, *examples: dict[str, list[Any]]) -> list[float]:
    with tf.io.TFRecordWriter(str(path)) as file:
        for example in examples:
            file.write(record(example))
    return scores_of(model, path)


def scores_of(model: Any, path: Path) -> list[float]:
    parsing = tfrs_afm.parse_spec(model.columns)
    options = BatchOptions("rating", batch_size=8)
    batches = Batches([path], FormatOptions("tfrecord"), parsing, options)(0, 0)
    found = [model(features, training=False).numpy()[:, 0] for features, _ in batches]
    return np.concatenate(found).tolist()


def without(name: str) -> dict[str, list[Any]]:
    return {key: values for key, values in GOOD.items() if key != name}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("feature", ["genres", "gender", "occupation"])
def test_unknown_words_share_a_bucket_of_their_own(
    models: dict[str, Any], tmp_path: Path, name: str, feature: str
) -> None:
    unknown = [{**GOOD, feature: [word]} for word in (b"Mockumentary", b"drama", "ÿ".encode())]
    good, *scores = scored(models[name], tmp_path / "a", GOOD, *unknown, without(feature))
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)
    assert scores[0] == pytest.approx(scores[2], abs=1e-6)
    assert abs(scores[0] - good) > 1e-6
    assert abs(scores[0] - scores[3]) > 1e-6  # not the same as saying nothing


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("feature", ["movie_id", "user_id", "history"])
def test_negative_and_unseen_ids_are_the_id_of_nobody(
    models: dict[str, Any], tmp_path: Path, name: str, feature: str
) -> None:
    unknown = [{**GOOD, feature: [one]} for one in (-1, -(2**63), 10**6, 2**63 - 1, 0)]
    good, *scores = scored(models[name], tmp_path / "a", GOOD, *unknown)
    assert scores == pytest.approx([scores[-1]] * 5, abs=1e-6)
    assert abs(scores[-1] - good) > 1e-6


@pytest.mark.parametrize("name", MODELS)
def test_a_missing_feature_is_its_default_or_takes_no_part(
    models: dict[str, Any], spec: FeatureSpec, tmp_path: Path, name: str
) -> None:
    model, features = models[name], spec.features
    for feature in ("age", "release_year"):
        with_default = {**GOOD, feature: [round(features[feature].default)]}
        scores = scored(model, tmp_path / feature, without(feature), with_default)
        assert scores[0] == pytest.approx(scores[1], abs=1e-6)
    for feature in ("genres", "history", "movie_id", "user_id", "gender", "zip_prefix"):
        scores = scored(model, tmp_path / feature, without(feature), GOOD)
        assert np.isfinite(scores).all()
        assert abs(scores[0] - scores[1]) > 1e-6
    nothing = {"rating": [0.0]}
    assert np.isfinite(scored(model, tmp_path / "nothing", nothing)).all()


@pytest.mark.parametrize(
    ("feature", "values", "expected"),
    [
        ("movie_id", [b"one"], "int64"),
        ("history", [0.5], "int64"),
        ("age", [24.5], "int64"),
        ("genres", [7], "string"),
    ],
)
def test_a_wrong_type_is_an_error_that_names_feature_file_and_record(
    models: dict[str, Any], tmp_path: Path, feature: str, values: list[Any], expected: str
) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        scored(models["afm"], tmp_path / "bad", GOOD, {**GOOD, feature: values}, GOOD)
    assert f"{tmp_path / 'bad'}, record 1, Key: {feature}" in str(caught.value)
    assert f"expected type: {expected}" in str(caught.value).lower()


def emptied(whole: bytes) -> bytes:
    return b""


def cut(whole: bytes) -> bytes:
    return whole[:-5]


@pytest.mark.parametrize(
    ("damage", "text"), [(emptied, "Received: an empty file"), (cut, "cut inside record")]
)
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_training_refuses_an_empty_and_a_cut_file_before_it_writes(
    tmp_path: Path, damage: Callable[[bytes], bytes], text: str, part: str
) -> None:
    data = tmp_path / "data"
    configuration = configured("afm", write_recbole(tmp_path / "raw", log(60, seed=5)))
    path = prepare(configuration, data).files(data, part)[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=f"{path.name}.*{text}"):
        train_run(configuration, tmp_path / "run", data=data)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "raw"]


def test_a_missing_label_is_an_error_that_names_file_and_record(
    models: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"bad, record 1, Feature: rating"):
        scored(models["afm"], tmp_path / "bad", GOOD, without("rating"))


def test_a_model_names_the_feature_that_a_batch_lacks(models: dict[str, Any]) -> None:
    parsing = tfrs_afm.parse_spec(models["afm"].columns)
    batch = tf.io.parse_example([record(GOOD)], parsing)
    del batch["history"]
    with pytest.raises(ValueError, match=r"without 'history' for field 'history_shared_embedding'"):
        models["afm"].logits(batch)
