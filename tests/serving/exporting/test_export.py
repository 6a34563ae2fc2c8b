"""What is exported answers like the model, through every way to ask."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis import prediction_log_pb2

import serving
import tfrs_afm
from serving.__main__ import main
from serving.sidecar import WARMUP_FILE, from_json, read_sidecar
from serving.signatures import CLASSIFY, PREDICT, REGRESS
from serving.wire.records import read_records
from tests.serving.exported import Exported
from tests.serving.exporting import rankers


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


def test_new_rows_are_scored_as_the_model_scores_them(
    afm: Exported, afm_session: serving.Session
) -> None:
    rows = rankers.examples(64)[30:]
    expected = answers(afm.model, rows)
    assert np.ptp(expected) > 0.1
    serialized = [one.SerializeToString() for one in rows]
    got = afm_session.run("serving_default", {"examples": serialized})
    np.testing.assert_allclose(got["predictions"], expected, atol=1e-6)
    np.testing.assert_allclose(1 / (1 + np.exp(-got["logits"])), expected, atol=1e-6)
    assert got["predictions"].dtype == np.float32
    regression = afm_session.run("regression", {"inputs": serialized})["outputs"]
    np.testing.assert_allclose(regression, expected, atol=1e-6)
    classes = afm_session.run("classification", {"inputs": serialized})
    assert classes["classes"].tolist() == [[b"0", b"1"]] * len(rows)
    both = np.stack([1 - expected, expected], axis=1)
    np.testing.assert_allclose(classes["scores"], both, atol=1e-6)


def test_rank_scores_every_candidate_as_the_whole_example_is_scored(
    afm: Exported, afm_session: serving.Session
) -> None:
    rows = rankers.examples(40)
    contexts = [parts(one)[0] for one in rows[:3]]
    candidates = [[parts(one)[1] for one in rows[start : start + 12]] for start in (0, 9, 18)]
    expected = [
        answers(afm.model, [context + one for one in some])
        for context, some in zip(contexts, candidates, strict=True)
    ]
    scores = afm_session.run("rank", {"context": contexts, "candidates": candidates})["scores"]
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    alone = afm_session.run("rank", {"context": contexts[:1], "candidates": candidates[:1]})
    np.testing.assert_allclose(alone["scores"], scores[:1], atol=1e-6)
    none = afm_session.run("rank", {"context": contexts, "candidates": np.empty([3, 0], object)})
    assert none["scores"].shape == (3, 0)


def test_an_empty_batch_is_answered_with_an_empty_one(
    afm: Exported, afm_session: serving.Session
) -> None:
    got = afm_session.run("serving_default", {"examples": np.empty([0], object)})
    assert got["predictions"].shape == (0,)


def test_signatures_have_the_methods_ranks_and_types_of_tensorflow_serving(
    afm: Exported, afm_session: serving.Session
) -> None:
    signatures = afm_session.signatures
    assert {key: one.method_name for key, one in signatures.items()} == {
        "serving_default": PREDICT,
        "rank": PREDICT,
        "regression": REGRESS,
        "classification": CLASSIFY,
        "tensors": PREDICT,
        "explain": PREDICT,
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
    afm_session: serving.Session, signature: str, inputs: dict[str, Any]
) -> None:
    with pytest.raises(serving.StatusError) as caught:
        afm_session.run(signature, inputs)
    assert caught.value.code.name == "INVALID_ARGUMENT"


def test_only_what_the_model_reads_is_saved(afm: Exported) -> None:
    saved = dict(tf.train.list_variables(str(afm.path / "variables/variables")))
    saved.pop("_CHECKPOINTABLE_OBJECT_GRAPH")
    numbers = sum(math.prod(shape) for shape in saved.values())
    # Tables are stacked, those of the vectors and those of the linear weights; before each is a row
    # of zeros.
    read = sum(math.prod(variable.shape) for variable in afm.model.trainable_variables)
    tables = afm.model.embedding.tables.values()
    assert numbers == read + sum(table.embedding_weights.shape[1] for table in tables)
    kept = sum(math.prod(variable.shape) for variable in afm.model.optimizer.variables)
    assert kept >= read


def test_no_branch_that_complains_has_a_branch_of_its_own(afm: Exported) -> None:
    """Whose operations every request would go through, without effect."""
    graph = SavedModel.FromString((afm.path / "saved_model.pb").read_bytes()).meta_graphs[0]
    operations = {
        function.signature.name: {node.op for node in function.node_def}
        for function in graph.graph_def.library.function
    }
    branches = {name: found for name, found in operations.items() if "cond" in name}
    complaining = [found for found in branches.values() if "Assert" in found]
    assert complaining
    assert not [found for found in complaining if found & {"If", "StatelessIf"}]
    guards = {name.partition("_Assert")[0] for name in operations if "AssertGuard" in name}
    assert guards <= {"RaggedFromSparse"}  # TensorFlow's own, of lists that `rank` repeats


@pytest.mark.long
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
        "masks_missing": False,
        "side": "context",
    }
    assert features["year"]["masks_missing"]
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


def test_every_warm_up_record_is_answered_and_every_signature_has_one(
    afm: Exported, ranker_server: serving.LocalServer
) -> None:
    # A record that fails keeps a version from becoming available.
    assert ranker_server.manager.states("afm")[1].state.name == "AVAILABLE"
    logs = [
        prediction_log_pb2.PredictionLog.FromString(record)
        for record in read_records(afm.path / WARMUP_FILE)
    ]
    asked = [
        (request.model_spec.signature_name, list(request.output_filter))
        for request in (log.predict_log.request for log in logs if log.HasField("predict_log"))
    ]
    scores = [[], ["predictions"]]
    assert asked == [
        *(("serving_default", names) for names in scores),
        *(("tensors", names) for names in scores),
        ("rank", []),
        ("explain", []),
    ]
    kinds = [log.WhichOneof("log_type") for log in logs[len(asked) :]]
    assert kinds == ["classify_log", "regress_log", "multi_inference_log"]


@pytest.mark.long
def test_a_version_that_was_exported_can_be_verified_by_command(
    deepfm: Exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(deepfm.path)]) == 0
    assert "golden rows" in capsys.readouterr().out
    copy = tmp_path / "copy"
    shutil.copytree(deepfm.path, copy)
    sidecar = read_sidecar(copy)
    sidecar["golden"]["requests"]["rank"]["outputs"]["scores"][2][1] += 0.25
    (copy / "assets.extra/tfrs_afm.json").write_text(json.dumps(sidecar))
    assert main(["verify", str(copy)]) == 1
    message = capsys.readouterr().err
    assert "signature 'rank', output 'scores', row 2" in message
    assert "a difference of 0.25" in message


@pytest.mark.long
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
