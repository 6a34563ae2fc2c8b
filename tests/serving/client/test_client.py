"""The client, over every transport."""

import asyncio
import json
import math
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import serving
from serving.client import (
    DeadlineError,
    FeatureError,
    FeatureTypeError,
    RequestError,
    Retry,
    SchemaError,
    UnavailableError,
)
from serving.client.schema import Schema
from serving.client.transports.grpc_transport import GrpcTransport
from serving.client.transports.rest_transport import RestTransport
from serving.sidecar import SIDECAR_FILE
from serving.status_error import Code
from tests.serving.client.fakes import Clock, Failing
from tests.serving.exported import Exported
from tests.serving.exporting import rankers

ROOT = Path(__file__).parents[3]


def row(example: Any) -> dict[str, Any]:
    """An example as a client's row."""
    found = {}
    for name, feature in example.features.feature.items():
        found[name] = list(getattr(feature, feature.WhichOneof("kind")).value)
    return found


def split(one: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    items = {name: value for name, value in one.items() if name in rankers.CANDIDATE_FEATURES}
    return {name: value for name, value in one.items() if name not in items}, items


@pytest.fixture(scope="module", params=["grpc", "rest", "process"])
def address(request: Any) -> Any:
    def place(name: str) -> str:
        if request.param == "process":
            return str(request.getfixturevalue(name).path)
        server = request.getfixturevalue("ranker_server")
        return str(server.grpc_address if request.param == "grpc" else server.rest_url)

    return place


@pytest.fixture(scope="module")
def client(address: Any, afm: Exported) -> Iterator[serving.Client]:
    with serving.Client(address("afm"), "afm", afm.path, timeout=60.0, batch_size=8) as made:
        yield made


@pytest.mark.matrix
def test_a_missing_number_is_the_default_however_it_is_missing(
    client: serving.Client, afm: Exported
) -> None:
    one = {name: value for name, value in row(rankers.examples(1)[0]).items() if name != "age"}
    ways = [one, *({**one, "age": age} for age in (None, math.nan, [math.nan], 30.0))]
    expected = afm.answers([rankers.examples(1)[0]])
    np.testing.assert_allclose(client.predict(ways), np.repeat(expected, len(ways)), atol=1e-6)
    features = {name: tf.constant([value] * 2) for name, value in one.items() if value}
    empty = {"history": tf.zeros([2, 0], tf.int64)} | {"year": tf.constant([math.nan, 1990.0])}
    in_process = afm.model({**empty, **features, "age": tf.constant([[math.nan], [30.0]])})
    np.testing.assert_allclose(in_process[:, 0], np.repeat(expected, 2), atol=1e-6)


@pytest.mark.matrix
def test_rows_are_scored_in_batches_as_the_model_scores_them(
    client: serving.Client, afm: Exported
) -> None:
    examples = rankers.examples(20)
    rows = [row(one) for one in examples]
    expected = afm.answers(examples)
    predictions = client.predict(rows)
    assert predictions.dtype == np.float32
    np.testing.assert_allclose(predictions, expected, atol=1e-6)
    np.testing.assert_allclose(client.regress(rows), expected, atol=1e-6)
    classes = client.classify(rows)
    assert classes["classes"].tolist() == [[b"0", b"1"]] * 20
    np.testing.assert_allclose(classes["scores"][:, 1], expected, atol=1e-6)
    logits = client.run("serving_default", rows, ["logits"])
    assert list(logits) == ["logits"]
    np.testing.assert_allclose(1 / (1 + np.exp(-logits["logits"])), expected, atol=1e-6)


def test_no_rows_get_no_scores(client: serving.Client) -> None:
    assert client.predict([]).shape == (0,)


def test_candidates_are_ranked_in_batches(client: serving.Client, afm: Exported) -> None:
    examples = rankers.examples(30)
    context = split(row(examples[4]))[0]
    items = [split(row(one))[1] for one in examples]
    scores = client.rank(context, items)
    whole = [context | one for one in items]
    np.testing.assert_allclose(scores, client.predict(whole), atol=1e-6)
    assert np.ptp(scores) > 0.01
    assert client.rank(context, []).shape == (0,)


def test_ids_are_ranked(address: Any, deepfm: Exported) -> None:
    with serving.Client(address("deepfm"), "deepfm", deepfm.path, timeout=60.0) as client:
        films = np.array([7, 0, 49, 7], np.int32)
        scores = client.rank({"user_id": 3, "history": [4, 5, 6]}, films)
        rows = [{"user_id": 3, "history": [4, 5, 6], "movie_id": int(one)} for one in films]
        np.testing.assert_allclose(scores, client.predict(rows), atol=1e-6)
        for wrong in (["7"], [7.0], [None], "77", 7, [[7, 8]]):
            with pytest.raises(FeatureTypeError):
                client.rank({"user_id": 3}, wrong)


def test_pairs_are_explained(client: serving.Client, afm: Exported) -> None:
    examples = rankers.examples(3)
    found = client.explain([row(one) for one in examples])
    assert [len(one) for one in found] == [5, 5, 5]
    names = {field.name for field in afm.model.embedding.fields}
    for one in found:
        shares = [abs(pair["contribution"]) for pair in one]
        assert shares == sorted(shares, reverse=True)
        assert all(set(pair["fields"]) <= names for pair in one)


def test_a_bad_row_is_refused_before_any_request(afm: Exported) -> None:
    class _Nothing:
        def run(self, *_: Any) -> Any:
            raise AssertionError("something was sent")

        def close(self) -> None:
            pass

    client = serving.Client(_Nothing(), schema=afm.path)
    good = {"user_id": 3}
    for rows in ([good] * 600 + [{"user_id": "3"}], [{"usr": 3}], {"user_id": [1.5]}):
        with pytest.raises(FeatureError):
            client.predict(rows)
    with pytest.raises(FeatureError, match="must be among"):
        client.rank({"movie_id": 3}, [{"movie_id": 3}])
    with pytest.raises(FeatureError, match="must be among"):
        client.rank({"user_id": 3}, [{"user_id": 3}])
    with pytest.raises(FeatureTypeError, match="`context` must be a dict"):
        client.rank([good], [])
    with pytest.raises(SchemaError, match="`signature` must be one of"):
        client.run("no_such", [good])
    with pytest.raises(ValueError, match="must take serialized examples"):
        client.run("rank", [good])
    with pytest.raises(ValueError, match="`outputs` must be among"):
        client.run("serving_default", [good], ["x"])


@pytest.mark.parametrize("kind", ["grpc", "rest"])
def test_what_the_server_refuses_has_its_code(kind: str, ranker_server: Any, afm: Any) -> None:
    place = ranker_server.grpc_address if kind == "grpc" else ranker_server.rest_url
    with serving.Client(place, "no_such", afm.path) as client:
        with pytest.raises(RequestError, match="no_such") as caught:
            client.predict([{"user_id": 3}])
        assert caught.value.code is Code.NOT_FOUND
    transports = {"grpc": GrpcTransport, "rest": RestTransport}
    for wanted, number in (({"version": 1}, None), ({"version": 9}, Code.NOT_FOUND)):
        transport = transports[kind](place, "afm", **wanted)
        with serving.Client(transport, schema=afm.path) as client:
            if number is None:
                assert client.predict([{"user_id": 3}]).shape == (1,)
                continue
            with pytest.raises(RequestError) as caught:
                client.predict([{"user_id": 3}])
            assert caught.value.code is number
    transport = transports[kind](place, "afm", label="no_such")
    with serving.Client(transport, schema=afm.path) as client, pytest.raises(RequestError):
        client.predict([{"user_id": 3}])


def test_columns_that_a_batching_server_padded_are_cut_off(deepfm: Exported) -> None:
    class _Padding(Failing):
        def run(self, signature: Any, inputs: Any, outputs: Any, timeout: float) -> Any:
            ids = inputs["candidates"]
            padded = np.pad(ids, ((0, 0), (0, 3)), constant_values=ids[0, 0])
            return {"scores": padded.astype(np.float32)}

    client = serving.Client(_Padding(), schema=deepfm.path, batch_size=2)
    assert client.rank({"user_id": 3}, [7, 8, 9]).tolist() == [7.0, 8.0, 9.0]


class _Silent(BaseHTTPRequestHandler):
    """Takes requests and never answers until the test is over."""

    over = threading.Event()

    def do_POST(self) -> None:
        self.over.wait(30)

    def log_message(self, *_: Any) -> None:
        pass


def test_a_server_that_does_not_answer_in_time_is_a_deadline_error(afm: Exported) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Silent) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}"
            client = serving.Client(url, "afm", afm.path, timeout=0.2)
            with client, pytest.raises(DeadlineError):
                client.predict([{}])
        finally:
            _Silent.over.set()
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_nobody_there_is_unavailable(scheme: str, afm: Exported) -> None:
    clock = Clock()
    retry = Retry(tries=2, sleep=clock.sleep)
    client = serving.Client(f"{scheme}127.0.0.1:1", "afm", afm.path, retry=retry)
    with client, pytest.raises(UnavailableError):
        client.predict([{}])
    assert len(clock.pauses) == 1


def test_calls_can_be_awaited_together(ranker_server: Any, afm: Exported) -> None:
    examples = rankers.examples(6)
    rows = [row(one) for one in examples]

    async def ask() -> list[Any]:
        client = serving.Client(ranker_server.grpc_address, "afm", afm.path, timeout=60.0)
        async with serving.AsyncClient(client, concurrency=4) as waiting:
            calls = [waiting.predict([one]) for one in rows]
            scores = await asyncio.gather(*calls)
            context, item = split(rows[0])
            ranked = await waiting.rank(context, [item])
            assert (await waiting.regress(rows[:1])).shape == (1,)
            assert set(await waiting.classify(rows[:1])) == {"classes", "scores"}
            assert len(await waiting.explain(rows[:1])) == 1
            assert set(await waiting.run("serving_default", rows[:1])) == {"predictions", "logits"}
            with pytest.raises(FeatureError):
                await waiting.predict([{"usr": 3}])
            return [*scores, ranked]

    *scores, ranked = asyncio.run(ask())
    np.testing.assert_allclose(np.concatenate(scores), afm.answers(examples), atol=1e-6)
    np.testing.assert_allclose(ranked, scores[0], atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"timeout": 0}, "`timeout` must be positive"),
        ({"batch_size": 0}, "`batch_size` must be positive"),
        ({"schema": None}, "`schema` must say what the model reads"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: Any, words: str, afm: Exported) -> None:
    with pytest.raises(ValueError, match=words):
        serving.Client("localhost:1", **({"schema": afm.path} | arguments))
    with pytest.raises(ValueError, match="`tries` must be positive"):
        Retry(tries=0)
    with pytest.raises(ValueError, match="`concurrency` must be positive"):
        serving.AsyncClient(serving.Client(Failing(), schema=afm.path), concurrency=0)


def test_the_sidecar_is_found_in_every_place(afm: Exported, tmp_path: Path) -> None:
    content = json.loads((afm.path / SIDECAR_FILE).read_text())
    shutil.copy(afm.path / SIDECAR_FILE, tmp_path / "schema.json")

    class _Files(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write((tmp_path / "schema.json").read_bytes())

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/ranker.json"
        places = [afm.path, afm.path.parent, tmp_path / "schema.json", content, url]
        for place in places:
            assert Schema(place).features.keys() == content["features"].keys()
        thread.join()
    (tmp_path / "bad.json").write_text("[]")
    for wrong in (tmp_path / "no_such", tmp_path, tmp_path / "bad.json", {"format": 0}):
        with pytest.raises(SchemaError, match="`schema` must"):
            Schema(wrong)


def test_features_are_exactly_those_of_the_model(afm: Exported) -> None:
    schema = Schema(afm.path)
    assert set(schema.features) == {
        *rankers.CANDIDATE_FEATURES,
        *("user_id", "history", "occupation", "gender", "zip", "age"),
    }
    assert set(schema.side("candidate")) == set(rankers.CANDIDATE_FEATURES)
    assert schema.features["age"].size == 1
    assert schema.features["history"].size is None


_LIGHT = """
import sys
import serving
grpc_address, rest_url, path = sys.argv[1:]
for address in (grpc_address, rest_url):
    with serving.Client(address, "afm", path, timeout=60.0) as client:
        assert client.predict([{"user_id": 3, "history": [1, 2]}]).shape == (1,)
        assert client.rank({"user_id": 3}, [{"movie_id": 3}, {}]).shape == (2,)
heavy = {"tensorflow", "tfrs_afm", "tensorflow_serving", "tf_keras", "keras"} & set(sys.modules)
assert not heavy, heavy
"""


def test_a_client_process_loads_neither_tensorflow_nor_our_models(
    ranker_server: Any, afm: Exported
) -> None:
    arguments = [ranker_server.grpc_address, ranker_server.rest_url, str(afm.path)]
    done = subprocess.run(
        [sys.executable, "-c", _LIGHT, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_messages_are_tensorflow_serving_s_on_the_wire() -> None:
    from tensorflow_serving.apis import predict_pb2

    from serving.wire.messages import message_class

    ours = message_class("tensorflow.serving.PredictRequest")()
    ours.model_spec.name, ours.model_spec.signature_name = "m", "rank"
    ours.model_spec.version.value = 3
    ours.output_filter.append("scores")
    ours.inputs["x"].dtype = 9
    theirs = predict_pb2.PredictRequest.FromString(ours.SerializeToString())
    assert theirs.model_spec.version.value == 3
    assert theirs.model_spec.signature_name == "rank"
    assert theirs.inputs["x"].dtype == tf.int64.as_datatype_enum
    assert list(theirs.output_filter) == ["scores"]
    label = message_class("tensorflow.serving.ModelSpec")(version_label="stable")
    known = predict_pb2.PredictRequest().model_spec
    known.ParseFromString(label.SerializeToString())
    assert known.version_label == "stable"
