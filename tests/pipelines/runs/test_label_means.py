"""The mean label, what training makes of it, and the runs that start there."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from pipelines.configuration.training import Negatives, Training
from pipelines.preparation.feature_spec import Feature, FeatureSpec
from pipelines.runs.label_means import mean_label, start_at_mean_label, trained_rate
from pipelines.training.identity import refuse_other_run
from tests.pipelines.modelling.configurations import identity, made


@given(
    st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=20),
    st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)),
    st.integers(0, 5),
)
def test_the_trained_rate_is_that_of_the_rows_written_out(
    labels: list[float], weights: tuple[float, float], drawn: int
) -> None:
    rows = [*labels, *[0.0] * (drawn * int(sum(labels)))]
    weighed = [weights[int(label)] for label in rows]
    expected = sum(w * y for w, y in zip(weighed, rows, strict=True)) / sum(weighed)
    negatives = Negatives(item="film", per_positive=drawn) if drawn else None
    training = Training(class_weights=weights, negatives=negatives)
    assert trained_rate(training, sum(labels) / len(labels)) == pytest.approx(expected)


def spec_of(folder: Path, labels: list[float], weights: list[float] | None = None) -> FeatureSpec:
    """A prepared training split of these labels, as `prepare` writes one."""
    with tf.io.TFRecordWriter(str(folder / "train.tfrecord")) as file:
        for row, label in enumerate(labels):
            values = {"label": label} | ({} if weights is None else {"weight": weights[row]})
            feature = {
                name: tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
                for name, value in values.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            file.write(example.SerializeToString())
    binary = set(labels) <= {0.0, 1.0}
    part = FeatureSpec.Part(("train.tfrecord",), len(labels), int(sum(labels)) if binary else None)
    features = {name: Feature(name, "float32", "fixed", "") for name in ("label", "weight")}
    weight = None if weights is None else "weight"
    return FeatureSpec("", "", {}, "label", None, features, {"train": part}, weight=weight)


@pytest.mark.parametrize(
    ("labels", "weights", "expected"),
    [
        ([0.0, 0.0, 0.0, 1.0], None, 0.25),
        ([1.0, 4.0, 5.0], None, 10 / 3),
        ([1.0, 0.0], [3.0, 1.0], 0.75),
        ([1.0, 0.0, float("nan")], [3.0, 1.0, 0.0], 0.75),
        ([1.0], [0.0], float("nan")),
    ],
)
def test_the_mean_label_goes_by_the_weights(
    tmp_path: Path, labels: list[float], weights: list[float] | None, expected: float
) -> None:
    found = mean_label(spec_of(tmp_path, labels, weights), tmp_path)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


class Started:
    """What a model is asked for here."""

    def __init__(self) -> None:
        self.task, self.means = self, list[float]()

    def start_at_mean(self, mean: float) -> None:
        self.means.append(round(mean, 6))


RATINGS: dict[str, Any] = {"task": {"loss": "mean_squared_error"}}


@pytest.mark.parametrize(
    ("labels", "sections", "expected"),
    [
        ([0.0, 0.0, 0.0, 1.0], {}, [0.25]),
        ([0.0, 0.0, 0.0, 1.0], {"training": {"class_weights": [1.0, 3.0]}}, [0.5]),
        ([1.0, 1.0], {"training": {"negatives": {"item": "item", "per_positive": 1}}}, [0.5]),
        ([0.0, 0.0, 0.0, 1.0], {"training": {"bias_start": "zero"}}, []),
        ([1.0, 1.0], {}, []),
        ([1.0, 4.0, 4.0], RATINGS, [3.0]),
    ],
)
def test_a_run_starts_at_the_mean_of_what_it_trains_on(
    tmp_path: Path, labels: list[float], sections: dict[str, Any], expected: list[float]
) -> None:
    configuration = made(identity("user"), identity("item"), **sections)
    model = Started()
    start_at_mean_label(configuration, model, spec_of(tmp_path, labels), tmp_path)
    assert model.means == expected


def test_a_run_of_a_release_without_this_start_goes_on() -> None:
    saved = {"training": {"seed": 0}, "data": {}}
    refuse_other_run(saved, {"training": {"seed": 0, "bias_start": "mean"}, "data": {}})
    with pytest.raises(ValueError, match=r"training\.bias_start: mean was zero"):
        refuse_other_run({"training": {"bias_start": "zero"}}, {"training": {"bias_start": "mean"}})


def test_a_run_of_a_release_without_half_precision_goes_on_in_float32() -> None:
    saved = {"training": {"seed": 0}, "data": {}}
    refuse_other_run(saved, {"training": {"seed": 0, "precision": "float32"}, "data": {}})
    half = {"training": {"seed": 0, "precision": "mixed_bfloat16"}, "data": {}}
    with pytest.raises(ValueError, match=r"training\.precision"):
        refuse_other_run(saved, half)


def test_a_mean_that_is_not_known_gives_no_rate() -> None:
    assert math.isnan(trained_rate(Training(), float("nan")))
