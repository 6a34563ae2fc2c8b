"""The `tensors` and `explain` signatures."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import serving
import tfrs_afm
from serving.exporting.golden import FeatureValues, lists_among
from serving.exporting.serving_module import RawInputs
from tests.serving.exported import Exported
from tests.serving.exporting import rankers

LISTS = ["genres", "history"]


def sent(afm: Exported, rows: list[Any]) -> dict[str, np.ndarray]:
    spec = tfrs_afm.parse_spec(afm.model.columns)
    features = tf.io.parse_example([one.SerializeToString() for one in rows], spec)
    return RawInputs(spec, LISTS).arrays(features)


def test_named_tensors_are_scored_as_examples_are(afm: Exported, afm_session: Any) -> None:
    rows = rankers.examples(20)
    got = afm_session.run("tensors", sent(afm, rows))
    np.testing.assert_allclose(got["predictions"], afm.answers(rows), atol=1e-6)


@pytest.mark.parametrize("filler", [0, 17])
def test_what_fills_up_a_list_never_counts(afm: Exported, afm_session: Any, filler: int) -> None:
    rows = rankers.examples(9)
    inputs = sent(afm, rows)
    longer = np.full([len(rows), 3], filler)
    inputs["history"] = np.concatenate([inputs["history"], longer], axis=1)
    inputs["genres"] = np.concatenate([inputs["genres"], np.full([9, 2], b"War", object)], axis=1)
    got = afm_session.run("tensors", inputs)["predictions"]
    np.testing.assert_allclose(got, afm.answers(rows), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("history_length", [-1], "lengths of feature .*history.* must not be negative"),
        ("history_length", [9], "lengths of feature .*history.* must fit its width"),
        ("history_length", [1, 1], "lengths of feature .*history.* must be one per row"),
        ("age", [[1.0]], "age"),
        ("history", [1], "history"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(
    afm: Exported, afm_session: Any, name: str, value: Any, words: str
) -> None:
    inputs = sent(afm, rankers.examples(2)[1:]) | {name: np.array(value)}
    with pytest.raises(serving.StatusError, match=words) as caught:
        afm_session.run("tensors", inputs)
    assert caught.value.code.name == "INVALID_ARGUMENT"


def test_one_id_is_one_number_and_none_of_it_is_padding(afm: Exported, afm_session: Any) -> None:
    rows = rankers.examples(6)
    for row in rows[2:4]:
        del row.features.feature["user_id"]
        del row.features.feature["gender"]
    inputs = sent(afm, rows)
    assert inputs["user_id"].shape == (6,)
    assert inputs["user_id"][2:4].tolist() == [-1, -1]
    assert inputs["gender"][2:4].tolist() == [b"", b""]
    got = afm_session.run("tensors", inputs)["predictions"]
    np.testing.assert_allclose(got, afm.answers(rows), atol=1e-6)


def test_a_feature_that_holds_several_ids_in_an_example_is_a_list() -> None:
    values = {
        key: FeatureValues([1], [], long=key == "history", size=None, required=False)
        for key in ("one", "several", "minus", "history")
    }
    row, other = tf.train.Example(), tf.train.Example()
    for key, ids in {"one": [3], "several": [1, 2], "minus": [-1], "history": [1]}.items():
        row.features.feature[key].int64_list.value.extend(ids)
    assert lists_among(values, [other, row]) == {"several", "minus", "history"}
    assert lists_among(values, [other.SerializeToString()]) == {"history"}


def test_names_that_tensorflow_cannot_save_get_others() -> None:
    some = tf.io.VarLenFeature(tf.int64)
    keys = ["109_14", "a b", "a_b", "class", "_x", "größe", "x", "x_length"]
    raw = RawInputs(dict.fromkeys(keys, some), keys)
    assert raw.inputs["109_14"] == "109_14"
    assert raw.inputs["a_b"] == "a_b"
    assert raw.inputs["a b"] == "a_b_2"
    assert raw.inputs["class"] == "feature_class"
    assert raw.inputs["_x"] == "feature_x"
    assert raw.inputs["größe"] == "gr__e"
    assert raw.lengths["x"] == "x_length_2"
    names = [*raw.inputs.values(), *raw.lengths.values()]
    assert len(set(names)) == len(names) == len(raw.specs())
    module = tf.Module()
    function = tf.function(
        lambda inputs: raw.features(inputs)["x"].values, input_signature=[raw.specs()]
    ).get_concrete_function()
    module.function = function
    assert {spec.name for spec in tf.nest.flatten(function.structured_input_signature)} == set(
        names
    )


def test_a_fixed_size_keeps_its_shape() -> None:
    raw = RawInputs(
        {
            "one": tf.io.FixedLenFeature([], tf.float32),
            "also_one": tf.io.FixedLenFeature([1], tf.float32),
            "vector": tf.io.FixedLenFeature([3], tf.float32),
        },
        [],
    )
    assert {name: spec.shape.as_list() for name, spec in raw.specs().items()} == {
        "one": [None],
        "also_one": [None],
        "vector": [None, 3],
    }
    features = raw.features(
        {"one": tf.zeros([2]), "also_one": tf.zeros([2]), "vector": tf.zeros([2, 3])}
    )
    shapes = {name: feature.shape.as_list() for name, feature in features.items()}
    assert shapes == {"one": [2], "also_one": [2, 1], "vector": [2, 3]}


def test_explain_names_the_pairs_that_the_model_s_own_explanation_names(
    afm: Exported, afm_session: Any
) -> None:
    rows = rankers.examples(12)
    serialized = [one.SerializeToString() for one in rows]
    spec = tfrs_afm.parse_spec(afm.model.columns)
    own = tfrs_afm.explain(afm.model, tf.io.parse_example(serialized, spec))
    got = afm_session.run("explain", {"examples": serialized})
    np.testing.assert_allclose(got["logits"], own.logits, atol=1e-5)
    for row in range(len(rows)):
        top = own.top_pairs(row, 5)
        pairs = list(zip(got["first_field"][row], got["second_field"][row], strict=True))
        assert [(a.decode(), b.decode()) for a, b in pairs] == [one["fields"] for one in top]
        shares = [one["contribution"] for one in top]
        np.testing.assert_allclose(got["contribution"][row], shares, atol=1e-5)
        attention = [one["attention"] for one in top]
        np.testing.assert_allclose(got["attention"][row], attention, atol=1e-5)
    assert afm_session.run("explain", {"examples": np.empty([0], object)})["logits"].shape == (0,)
