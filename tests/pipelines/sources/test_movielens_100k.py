from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from pipelines.configuration.load_configuration import load_configuration
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.preparation.prepare import prepare
from pipelines.recipes.movielens_100k.prepare import prepare as prepare_recipe
from pipelines.sources.movielens_100k import movielens_100k
from tests.pipelines.movielens_files import log, write_recbole


def examples(folder: Path, spec: FeatureSpec, part: str) -> list[dict[str, list[Any]]]:
    shards = [
        [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(path))]
        for path in spec.files(folder, part)
    ]
    count = sum(map(len, shards))
    found = []
    for number in range(count):
        values = shards[number % len(shards)][number // len(shards)].features.feature
        found.append(
            {name: list(getattr(one, one.WhichOneof("kind")).value) for name, one in values.items()}
        )
    return found


@pytest.mark.parametrize("kind", ["afm", "deepfm"])
def test_its_parts_are_those_of_the_split_by_time(kind: str, tmp_path: Path) -> None:
    raw = write_recbole(tmp_path / "raw", log(60, seed=1))
    old, new = tmp_path / "old", tmp_path / "new"
    before = prepare_recipe(old, raw)
    configuration = load_configuration(f"movielens-100k-{kind}", [f"data.path={raw}"])
    spec = prepare(configuration, new)
    for part in ("train", "validation", "test"):
        expected = examples(old, before, part)
        found = examples(new, spec, part)
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert one.pop("rating") == [float(value) for value in other.pop("label")]
            other.pop("history_age", None)
            assert one == other
    assert spec.fitted["vocabulary(genres)"] == list(before.features["genres"].vocabulary or ())
    assert spec.fitted["num_ids(user_id)"] == before.features["user_id"].num_ids
    assert spec.fitted["quantile(release_year, size=10)"] == list(
        before.features["release_year"].bounds or ()
    )


def test_a_setting_that_it_does_not_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`histroy` must be a known key\. .*history"):
        movielens_100k(write_recbole(tmp_path, log(10, seed=1)), {"histroy": 3})
