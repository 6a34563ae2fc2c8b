"""Other models, other forms of candidates, and what is refused."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import serving
import tfrs_afm
from serving.exporting.export import check_graph
from serving.sidecar import read_sidecar
from tests.serving.exported import Exported
from tests.serving.exporting import rankers


def serialized(count: int = 10) -> list[bytes]:
    return [one.SerializeToString() for one in rankers.examples(count)]


def answers(model: Any, rows: list[bytes]) -> np.ndarray:
    return model(tf.io.parse_example(rows, tfrs_afm.parse_spec(rankers.small_columns()))).numpy()[
        :, 0
    ]


def test_one_feature_of_a_candidate_is_sent_as_ids(deepfm: Exported) -> None:
    assert read_sidecar(deepfm.path)["rank"]["candidates"] == "ids"
    context = tf.train.Example()
    context.features.feature["user_id"].int64_list.value.append(3)
    context.features.feature["history"].int64_list.value.extend([4, 5, 6])
    films = [7, 0, 49, 7]
    rows = []
    for film in films:
        row = tf.train.Example()
        row.CopyFrom(context)
        row.features.feature["movie_id"].int64_list.value.append(film)
        rows.append(row.SerializeToString())
    with serving.Session(deepfm.path) as session:
        request = {"context": [context.SerializeToString()], "candidates": [films]}
        scores = session.run("rank", request)["scores"]
    np.testing.assert_allclose(scores, [deepfm.answers(rows)], atol=1e-6)


@pytest.mark.long
def test_somebody_s_own_model_is_served_with_its_own_answers(tmp_path: Path) -> None:
    model = rankers.trained(rankers.OwnRanker(rankers.small_columns()))
    path = serving.export(model, tmp_path, examples=serialized())
    rows = serialized()
    with serving.Session(path) as session:
        got = session.run("serving_default", {"examples": rows})
        np.testing.assert_allclose(got["logits"], answers(model, rows), rtol=1e-6, atol=1e-6)
        assert "classification" in session.signatures
        # Nothing was said of candidates: what a candidate brings replaces the context's.
        film = tf.train.Example()
        film.features.feature["movie_id"].int64_list.value.append(9)
        request = {"context": rows[:1], "candidates": [[film.SerializeToString(), b""]]}
        scores = session.run("rank", request)["scores"]
        whole = [rows[0] + film.SerializeToString(), rows[0]]
        expected = session.run("serving_default", {"examples": whole})["predictions"]
        np.testing.assert_allclose(scores, [expected], atol=1e-6)


@pytest.mark.long
def test_a_model_with_a_head_of_its_own_is_served_as_a_whole(tmp_path: Path) -> None:
    model = rankers.WholeRanker(rankers.small_columns())
    rows = serialized()
    path = serving.export(model, tmp_path, examples=rows, candidate_features=["movie_id"])
    with serving.Session(path) as session:
        assert set(session.signatures) == {"serving_default", "regression", "rank", "tensors"}
        got = session.run("serving_default", {"examples": rows})
        assert set(got) == {"predictions"}
        np.testing.assert_allclose(got["predictions"], answers(model, rows), rtol=1e-6, atol=1e-6)


_PARTS = tfrs_afm.interactions
_IN_HALF_PRECISION = {
    "attention": lambda: _PARTS.AFM(4),
    "all parts": lambda: _PARTS.FieldGate(
        _PARTS.AFM(
            pooling=_PARTS.BatchNormPooling(_PARTS.FieldPairWeights()),
            deep=_PARTS.Deep([8, 4], batch_norm=True),
        )
    ),
    "DeepFM": lambda: _PARTS.DeepFM([8, 4]),
}


@pytest.mark.long
@pytest.mark.parametrize(
    ("interaction", "policy"),
    [
        ("attention", "mixed_bfloat16"),
        ("all parts", "mixed_bfloat16"),
        ("DeepFM", "mixed_float16"),
    ],
)
def test_a_model_trained_in_half_precision_is_served_in_float32(
    interaction: str, policy: str, tmp_path: Path
) -> None:
    """Half precision rounds one way in a graph and another in its twin: nothing could be held."""

    def made(policy: str) -> Any:
        tf.keras.mixed_precision.set_global_policy(policy)
        try:
            task = tfrs_afm.tasks.Ranking(_IN_HALF_PRECISION[interaction]())
            model = tfrs_afm.models.AFM(rankers.small_columns(), task=task)
            answers(model, serialized(1))
        finally:
            tf.keras.mixed_precision.set_global_policy("float32")
        return model

    model, whole = rankers.trained(made(policy)), made("float32")
    whole.set_weights(model.get_weights())
    rows, films = serialized(), [7, 0, 49]
    before = answers(model, rows)
    path = serving.export(model, tmp_path, examples=rows, candidate_features=["movie_id"])
    np.testing.assert_array_equal(answers(model, rows), before)  # it computes as it did
    assert model.task.compute_dtype == policy.removeprefix("mixed_")

    candidates = []
    for film in films:
        candidate = tf.train.Example()
        candidate.features.feature["movie_id"].int64_list.value.append(film)
        candidates.append(rows[0] + candidate.SerializeToString())
    with serving.Session(path) as session:
        got = session.run("serving_default", {"examples": rows})["predictions"]
        ranked = session.run("rank", {"context": rows[:1], "candidates": [films]})["scores"]
    np.testing.assert_allclose(got, answers(whole, rows), atol=1e-5)
    np.testing.assert_allclose(ranked, [answers(whole, candidates)], atol=1e-5)
    np.testing.assert_allclose(got, before, atol=0.05)
    assert not np.array_equal(got, before)


@pytest.mark.long
def test_a_served_model_that_answers_otherwise_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["serving.exporting.export"]
    true = module.golden_requests

    def shifted(*arguments: Any) -> Any:
        requests = true(*arguments)
        requests["regression"]["outputs"]["outputs"] = np.copy(
            requests["regression"]["outputs"]["outputs"]
        )
        requests["regression"]["outputs"]["outputs"][5] += 0.125
        return requests

    monkeypatch.setattr(module, "golden_requests", shifted)
    model = tfrs_afm.models.AFM(rankers.small_columns(), attention_units=2)
    with pytest.raises(serving.VerificationError) as caught:
        serving.export(model, tmp_path)
    message = str(caught.value)
    assert message.startswith("`model` must answer as the trained model did.")
    assert "signature 'regression', output 'outputs', row 5" in message
    assert "a difference of 0.125" in message
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_answers_nan_is_refused(tmp_path: Path) -> None:
    model = tfrs_afm.models.AFM(rankers.small_columns(), attention_units=2)
    model(tf.io.parse_example(serialized(1), tfrs_afm.parse_spec(rankers.small_columns())))
    for variable in model.trainable_variables:
        variable.assign(tf.fill(variable.shape, float("nan")))
    with pytest.raises(ValueError, match=r"`model` must answer with finite numbers.*golden row 0"):
        serving.export(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "model",
    [tf.keras.Sequential([tf.keras.layers.Dense(1)]), tf.Module(), len],
    ids=["keras", "module", "function"],
)
def test_a_model_without_our_layer_is_refused(model: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`model` must hold a tfrs_afm embedding layer"):
        serving.export(model, tmp_path)


@pytest.mark.parametrize("features", [["movie"], "movie_id", []])
def test_candidate_features_must_be_features(tmp_path: Path, features: Any) -> None:
    model = tfrs_afm.models.AFM(rankers.small_columns(), attention_units=2)
    with pytest.raises(ValueError, match="`candidate_features` must"):
        serving.export(model, tmp_path, candidate_features=features)


def test_examples_of_another_kind_are_refused(tmp_path: Path) -> None:
    model = tfrs_afm.models.AFM(rankers.small_columns(), attention_units=2)
    with pytest.raises(TypeError, match=r"`examples` must hold tf\.train\.Example or their bytes"):
        serving.export(model, tmp_path, examples=[{"user_id": 3}])


class _PythonRanker(rankers.WholeRanker):
    def call(self, features: Any) -> Any:
        scores = super().call(features)
        return tf.ensure_shape(tf.numpy_function(np.tanh, [scores], tf.float32), scores.shape)


def test_a_model_that_needs_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"own operations\. Received: .*'PyFunc'"):
        serving.export(_PythonRanker(rankers.small_columns()), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_function_that_xla_must_compile_is_refused() -> None:
    @tf.function(jit_compile=True)
    def double(x: Any) -> Any:
        return 2.0 * x

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def signature(x: Any) -> Any:
        return double(x) + 1.0

    graph = signature.get_concrete_function().graph.as_graph_def()
    with pytest.raises(ValueError, match=r"must not be compiled by XLA.*signature 'mine'"):
        check_graph("mine", graph)


def test_an_operation_that_is_not_tensorflow_s_own_is_refused() -> None:
    graph = tf.compat.v1.GraphDef()
    graph.node.add(name="search", op="Scann>ScannSearch")
    with pytest.raises(ValueError, match=r"'Scann>ScannSearch' \(node 'search'\)"):
        check_graph("mine", graph)
