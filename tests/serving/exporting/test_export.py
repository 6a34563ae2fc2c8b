"""What is exported answers like the model, through every way to ask."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import serving
import tfrs_afm
from serving.__main__ import main
from serving.server.methods import CLASSIFY, PREDICT, REGRESS
from serving.server.servable import Servable
from serving.server.warmup import warm_up
from serving.sidecar import from_json, read_sidecar, to_json
from serving.wire.tensors import fill_content, to_array
from tests.serving.conftest import Stubs
from tests.serving.exporting import rankers
from tests.serving.exporting.conftest import Exported
from tests.serving.rest_client import RestClient
from tests.serving.semantics.requests import predict_request


def answers(model: Any, rows: list[Any]) -> np.ndarray:
    spec = tfrs_afm.parse_spec(model.columns)
    serialized = [one if isinstance(one, bytes) else one.SerializeToString() for one in rows]
    return model(tf.io.parse_example(serialized, spec)).numpy()[:, 0]


def parts(example: Any) -> tuple[bytes, bytes]:
    """An example's context and candidate."""
    both = tf.train.Example(), tf.train.Example()
    for key, feature in example.features.feature.items():
        both[key in rankers.CANDIDATE_FEATURES].features.feature[key].CopyFrom(feature)
    return both[0].SerializeToString(), both[1].SerializeToString()


def test_new_rows_are_scored_as_the_model_scores_them(afm: Exported) -> None:
    rows = rankers.examples(64)[30:]
    expected = answers(afm.model, rows)
    assert np.ptp(expected) > 0.1
    serialized = [one.SerializeToString() for one in rows]
    with serving.Session(afm.path) as session:
        got = session.run("serving_default", {"examples": serialized})
        np.testing.assert_allclose(got["predictions"], expected, atol=1e-6)
        np.testing.assert_allclose(1 / (1 + np.exp(-got["logits"])), expected, atol=1e-6)
        assert got["predictions"].dtype == np.float32
        regression = session.run("regression", {"inputs": serialized})["outputs"]
        np.testing.assert_allclose(regression, expected, atol=1e-6)
        classes = session.run("classification", {"inputs": serialized})
        assert classes["classes"].tolist() == [[b"0", b"1"]] * len(rows)
        both = np.stack([1 - expected, expected], axis=1)
        np.testing.assert_allclose(classes["scores"], both, atol=1e-6)


def test_rank_scores_every_candidate_as_the_whole_example_is_scored(afm: Exported) -> None:
    rows = rankers.examples(40)
    contexts = [parts(one)[0] for one in rows[:3]]
    candidates = [[parts(one)[1] for one in rows[start : start + 12]] for start in (0, 9, 18)]
    expected = [
        answers(afm.model, [context + one for one in some])
        for context, some in zip(contexts, candidates, strict=True)
    ]
    with serving.Session(afm.path) as session:
        scores = session.run("rank", {"context": contexts, "candidates": candidates})["scores"]
        np.testing.assert_allclose(scores, expected, atol=1e-6)
        alone = session.run("rank", {"context": contexts[:1], "candidates": candidates[:1]})
        np.testing.assert_allclose(alone["scores"], scores[:1], atol=1e-6)
        none = session.run("rank", {"context": contexts, "candidates": np.empty([3, 0], object)})
        assert none["scores"].shape == (3, 0)


def test_an_empty_batch_is_answered_with_an_empty_one(afm: Exported) -> None:
    with serving.Session(afm.path) as session:
        got = session.run("serving_default", {"examples": np.empty([0], object)})
    assert got["predictions"].shape == (0,)


def test_signatures_have_the_methods_ranks_and_types_of_tensorflow_serving(afm: Exported) -> None:
    with serving.Session(afm.path) as session:
        signatures = session.signatures
    assert {key: one.method_name for key, one in signatures.items()} == {
        "serving_default": PREDICT,
        "rank": PREDICT,
        "regression": REGRESS,
        "classification": CLASSIFY,
    }
    for one in signatures.values():
        assert all(spec.shape[0] is None for spec in (*one.inputs.values(), *one.outputs.values()))
    assert signatures["regression"].outputs["outputs"].shape == (None,)
    assert signatures["classification"].outputs["scores"].shape == (None, 2)
    assert signatures["rank"].outputs["scores"].shape == (None, None)


@pytest.mark.parametrize(
    ("signature", "inputs"),
    [
        ("serving_default", {"examples": [[b""]]}),
        ("serving_default", {"examples": b""}),
        ("rank", {"context": [b"", b""], "candidates": [[b""]]}),
        ("rank", {"context": [b""], "candidates": [b""]}),
        ("serving_default", {"examples": [b"garbage"]}),
    ],
)
def test_inputs_that_do_not_fit_are_refused(
    afm: Exported, signature: str, inputs: dict[str, Any]
) -> None:
    with serving.Session(afm.path) as session, pytest.raises(serving.StatusError) as caught:
        session.run(signature, inputs)
    assert caught.value.code.name == "INVALID_ARGUMENT"


def test_only_what_the_model_reads_is_saved(afm: Exported) -> None:
    names = {name for name, _ in tf.train.list_variables(str(afm.path / "variables/variables"))}
    names.discard("_CHECKPOINTABLE_OBJECT_GRAPH")
    assert len(names) == len(afm.model.trainable_variables)
    slots = len(afm.model.optimizer.variables) + len(afm.model.trainable_variables)
    assert slots > 2 * len(names)


def test_the_saved_size_is_that_of_the_variables(tmp_path: Path) -> None:
    fc = tf.feature_column
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(key, 20_000), 8) for key in "ab"
    ]
    model = tfrs_afm.models.DeepFM(columns, units=(4,))
    model.compile(tf.keras.optimizers.Adam(0.1))
    features = {key: tf.constant([[1], [2]], tf.int64) for key in "ab"}
    model.fit(tf.data.Dataset.from_tensors((features, tf.constant([0.0, 1.0]))), verbose=0)
    path = serving.export(model, tmp_path / "model")
    saved = sum(file.stat().st_size for file in (path / "variables").iterdir())
    held = sum(variable.numpy().nbytes for variable in model.trainable_variables)
    assert held <= saved <= 1.05 * held


def test_the_sidecar_says_what_is_read_and_answered(afm: Exported) -> None:
    sidecar = read_sidecar(afm.path)
    features = sidecar["features"]
    assert features["history"] == {
        "dtype": "int64",
        "shape": None,
        "default": None,
        "required": False,
        "side": "context",
    }
    assert features["year"]["default"] == [1990.0]
    assert features["year"]["side"] == "candidate"
    assert sidecar["rank"] == {
        "candidates": "examples",
        "candidate_features": rankers.CANDIDATE_FEATURES,
    }
    assert set(sidecar["vocabularies"]) >= {"assets/occupations.txt", "gender", "genres"}
    assert len(sidecar["schema_hash"]) == 64
    golden = sidecar["golden"]["requests"]["serving_default"]
    expected = answers(afm.model, from_json(golden["inputs"]["examples"]))
    np.testing.assert_allclose(golden["outputs"]["predictions"], expected, atol=1e-6)


def test_golden_rows_hold_what_goes_wrong_elsewhere(afm: Exported) -> None:
    requests = read_sidecar(afm.path)["golden"]["requests"]
    serialized = from_json(requests["serving_default"]["inputs"]["examples"])
    assert b"" in serialized
    rows = [tf.train.Example.FromString(row) for row in serialized]
    lengths = {len(row.features.feature["history"].int64_list.value) for row in rows}
    assert {0, 1, 50} <= lengths
    words = {word for row in rows for word in row.features.feature["gender"].bytes_list.value}
    assert {b"F", b"M", b"not in the vocabulary"} <= words


def test_a_server_answers_as_the_model_over_grpc_and_rest(afm: Exported) -> None:
    rows = rankers.examples(5)
    serialized = [one.SerializeToString() for one in rows]
    expected = answers(afm.model, rows)
    context, candidates = parts(rows[0])[0], [parts(one)[1] for one in rows]
    ranked = answers(afm.model, [context + one for one in candidates])
    options = serving.ServerOptions(
        model_name="ranker",
        model_base_path=afm.path.parent,
        enable_signature_method_name_check=True,
    )
    with serving.LocalServer(options) as server:
        stubs, rest = Stubs(server.grpc_address), RestClient(server.rest_url)
        request = predict_request()
        request.model_spec.name = "ranker"
        fill_content(request.inputs["examples"], serialized)
        answer = stubs.prediction.Predict(request, timeout=60)
        assert answer.model_spec.version.value == int(afm.path.name)
        predictions = to_array(answer.outputs["predictions"])
        np.testing.assert_allclose(predictions, expected, atol=1e-6)

        request = predict_request()
        request.model_spec.name, request.model_spec.signature_name = "ranker", "rank"
        fill_content(request.inputs["context"], [context])
        fill_content(request.inputs["candidates"], [candidates])
        answer = stubs.prediction.Predict(request, timeout=60)
        np.testing.assert_allclose(to_array(answer.outputs["scores"]), [ranked], atol=1e-6)

        body = {"instances": to_json(serialized)}
        status, answer = rest.ask("/v1/models/ranker:predict", body)
        assert status == 200, answer
        got = [one["predictions"] for one in answer["predictions"]]
        np.testing.assert_allclose(got, expected, atol=1e-6)
        body = {
            "signature_name": "rank",
            "instances": [{"context": to_json(context), "candidates": to_json(candidates)}],
        }
        status, answer = rest.ask("/v1/models/ranker:predict", body)
        assert status == 200, answer
        np.testing.assert_allclose(answer["predictions"], [ranked], atol=1e-6)
        example = {"user_id": 3, "movie_id": 5, "gender": "F"}
        body = {"signature_name": "regression", "examples": [example]}
        status, answer = rest.ask("/v1/models/ranker:regress", body)
        assert status == 200, answer
        stubs.close()


def test_every_warm_up_record_is_answered_and_every_signature_has_one(afm: Exported) -> None:
    servable = Servable(afm.path, 1, check_method=True)
    try:
        # serving_default with all, with logits, with predictions; rank; classify; regress; both
        assert warm_up(servable, afm.path) == 7
    finally:
        servable.close()


def test_a_version_that_was_exported_can_be_verified_by_command(
    afm: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(afm.path)]) == 0
    assert "golden rows" in capsys.readouterr().out
    copy = tmp_path / "copy"
    shutil.copytree(afm.path, copy)
    sidecar = read_sidecar(copy)
    sidecar["golden"]["requests"]["rank"]["outputs"]["scores"][2][1] += 0.25
    (copy / "assets.extra/tfrs_afm.json").write_text(json.dumps(sidecar))
    assert main(["verify", str(copy)]) == 1
    message = capsys.readouterr().err
    assert "signature 'rank', output 'scores', row 2" in message
    assert "a difference of 0.25" in message


@pytest.mark.parametrize("gone", ["variables", "assets", "variables/variables.index"])
def test_a_copy_that_lacks_something_does_not_pass(
    afm: Exported, tmp_path: Path, gone: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(afm.path, copy)
    if (copy / gone).is_dir():
        shutil.rmtree(copy / gone)
    else:
        (copy / gone).unlink()
    with pytest.raises(serving.VerificationError):
        serving.verify(copy)


def test_a_copy_without_a_sidecar_is_refused(afm: Exported, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`path` must hold a model that `serving\.export` wrote"):
        serving.verify(tmp_path)


def test_training_goes_on_after_an_export(afm: Exported) -> None:
    spec = tfrs_afm.parse_spec(afm.model.columns)
    rows = tf.io.parse_example([one.SerializeToString() for one in rankers.examples(8)], spec)
    before = [variable.numpy() for variable in afm.model.variables]
    assert afm.model.embedding.l2 == 0.01
    assert afm.model(rows).shape == (8, 1)
    assert len(afm.model.losses) > 0
    assert all(np.isfinite(loss.numpy()) for loss in afm.model.losses)
    for variable, value in zip(afm.model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)
