"""Bad input through the whole path: file, data set, model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.datasets.read_examples import read_examples
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.recipes.movielens_100k.build import build
from pipelines.recipes.movielens_100k.prepare import prepare
from pipelines.recipes.movielens_100k.settings import Settings
from pipelines.recipes.movielens_100k.train import train
from tests.pipelines.movielens_files import log, write_recbole

GOOD: dict[str, list[Any]] = {
    "label": [1],
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


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("movielens")
    prepare(folder / "data", write_recbole(folder / "raw", log(200, seed=5)))
    return folder / "data"


@pytest.fixture(scope="module")
def models(prepared: Path) -> dict[str, Any]:
    spec = FeatureSpec.read(prepared)
    made = {name: build(name, spec, Settings()) for name in MODELS}
    for (
        model
    ) in made.values():  # as if trained: fresh linear weights are zero and hide what changes
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
    data = read_examples([path], tfrs_afm.parse_spec(model.columns), "label", 8)
    return model.predict(data, verbose=0)[:, 0].tolist()


def without(name: str) -> dict[str, list[Any]]:
    return {key: values for key, values in GOOD.items() if key != name}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("feature", ["genres", "gender", "occupation"])
def test_unknown_words_share_a_bucket_of_their_own(
    models: dict[str, Any], tmp_path: Path, name: str, feature: str
) -> None:
    unknown = [{**GOOD, feature: [word]} for word in (b"Mockumentary", b"drama", b"\xff")]
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
    models: dict[str, Any], prepared: Path, tmp_path: Path, name: str
) -> None:
    model, features = models[name], FeatureSpec.read(prepared).features
    for feature in ("age", "release_year"):
        with_default = {**GOOD, feature: [features[feature].default]}
        scores = scored(model, tmp_path / feature, without(feature), with_default)
        assert scores[0] == pytest.approx(scores[1], abs=1e-6)
    for feature in ("genres", "history", "movie_id", "user_id", "gender", "zip_prefix"):
        scores = scored(model, tmp_path / feature, without(feature), GOOD)
        assert np.isfinite(scores).all()
        assert abs(scores[0] - scores[1]) > 1e-6
    nothing = {"label": [0]}
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
    assert f"{tmp_path / 'bad'} record 1, Key: {feature}" in str(caught.value)
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
    spec = prepare(data, write_recbole(tmp_path / "raw", log(60, seed=5)))
    path = spec.files(data, part)[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=f"{path.name}.*{text}"):
        train(data, tmp_path / "run", Settings(epochs=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "raw"]


def test_a_model_names_the_feature_that_a_batch_lacks(models: dict[str, Any]) -> None:
    spec = tfrs_afm.parse_spec(models["afm"].columns)
    batch = tf.io.parse_example([record(GOOD)], spec)
    del batch["history"]
    with pytest.raises(ValueError, match=r"without 'history' for field 'history_shared_embedding'"):
        models["afm"].logits(batch)
