import json
from pathlib import Path

import pytest
import tensorflow as tf

from pipelines.preparation.feature_spec import Feature, FeatureSpec, parse_spec

FEATURES = (
    Feature("label", "int64", "fixed", "liked"),
    Feature("age", "int64", "fixed", "years", default=29),
    Feature("genres", "string", "variable", "a set", values_of="genre"),
    Feature("history_age", "float32", "variable", "days"),
)
SPEC = FeatureSpec(
    "recipe",
    "0" * 64,
    {"history": 50},
    "label",
    "age",
    {feature.name: feature for feature in FEATURES},
    {"train": FeatureSpec.Part(("train-0", "train-1"), 10, 4, 100, 200)},
    {"vocabulary(genres)": ["Drama", "Comedy"]},
)


def test_a_description_survives_its_file(tmp_path: Path) -> None:
    SPEC.write(tmp_path)
    assert FeatureSpec.read(tmp_path) == SPEC
    for name in ("train-0", "train-1"):
        (tmp_path / name).write_bytes(b"x")
    assert SPEC.files(tmp_path, "train") == [tmp_path / "train-0", tmp_path / "train-1"]


def test_a_parse_spec_has_kind_type_and_default_of_each_feature() -> None:
    assert parse_spec(FEATURES) == {
        "label": tf.io.FixedLenFeature([], tf.int64),
        "age": tf.io.FixedLenFeature([], tf.int64, 29),
        "genres": tf.io.VarLenFeature(tf.string),
        "history_age": tf.io.VarLenFeature(tf.float32),
    }


def test_another_folder_is_an_error_that_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="python -m pipelines prepare"):
        FeatureSpec.read(tmp_path)


def test_another_format_is_an_error(tmp_path: Path) -> None:
    (tmp_path / FeatureSpec.FILE).write_text(json.dumps({"format": 99}))
    with pytest.raises(ValueError, match="must have the format 2"):
        FeatureSpec.read(tmp_path)


def test_an_unknown_part_is_an_error_that_lists_the_parts(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`part` must be one of train\. Received: part=dev"):
        SPEC.files(tmp_path, "dev")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ("n", "int32", "fixed", "d"),
            "`dtype` must be one of .* Received: dtype=int32 for field 'n'",
        ),
        (("n", "int64", "list", "d"), "`kind` must be fixed or variable"),
        (("n", "int64", "variable", "d", 3), "`default` must be left out"),
    ],
)
def test_a_feature_that_cannot_be_is_an_error(arguments: tuple, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Feature(*arguments)
