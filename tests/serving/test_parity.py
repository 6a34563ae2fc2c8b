"""One model, one answer: every way to ask gives the same numbers."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tensorflow_serving.apis import classification_pb2, regression_pb2

import serving
from serving.client.transports.grpc_transport import GrpcTransport
from serving.client.transports.rest_transport import RestTransport
from serving.client.transports.transport import SessionTransport
from serving.sidecar import from_json, read_sidecar
from serving.wire.tensors import NUMPY
from tests.serving.conftest import Stubs
from tests.serving.exported import Exported
from tests.serving.rest_client import RestClient

TOLERANCE = 1e-6


def golden(one: Exported, signatures: Any) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Signature, inputs and answers of every golden request, as typed arrays."""
    for key, request in read_sidecar(one.path)["golden"]["requests"].items():
        arrays = [
            {
                name: np.asarray(from_json(rows), NUMPY[specs[name].dtype])
                for name, rows in request[side].items()
            }
            for side, specs in (
                ("inputs", signatures[key].inputs),
                ("outputs", signatures[key].outputs),
            )
        ]
        yield key, arrays[0], arrays[1]


def compare(got: Any, expected: Any, where: str) -> None:
    if np.asarray(expected).dtype == object:
        assert np.asarray(got).tolist() == expected.tolist(), where
        return
    error = np.abs(np.asarray(got, float) - expected) / np.maximum(1.0, np.abs(expected))
    assert error.max(initial=0.0) <= TOLERANCE, where


@pytest.mark.long
@pytest.mark.parametrize("name", ["afm", "deepfm"])
def test_golden_rows_are_equal_through_python_c_api_grpc_rest_and_process(
    name: str, ranker_server: serving.LocalServer, request: pytest.FixtureRequest
) -> None:
    one: Exported = request.getfixturevalue(name)
    ways: dict[str, Any] = {
        "gRPC": GrpcTransport(ranker_server.grpc_address, name),
        "REST": RestTransport(ranker_server.rest_url, name),
    }
    requests = {}
    with serving.Session(one.path) as session:
        ways["process"] = SessionTransport(session)
        for key, inputs, outputs in golden(one, session.signatures):
            requests[key] = inputs, outputs
            wanted = {out: spec.dtype for out, spec in session.signatures[key].outputs.items()}
            assert set(wanted) == set(outputs)
            if key == "serving_default":
                examples = inputs["examples"].tolist()
                compare(one.answers(examples), outputs["predictions"], f"{key} in Python")
            answers = {"C API": session.run(key, inputs)}
            for way, transport in ways.items():
                answers[way] = transport.run(key, inputs, wanted, 60.0)
            for way, answer in answers.items():
                for out, expected in outputs.items():
                    compare(answer[out], expected, f"{key}, {out} through {way}")
    assert set(requests) == {
        "serving_default",
        "regression",
        "classification",
        "rank",
        "tensors",
        "explain",
    }
    for transport in ways.values():
        transport.close()
    _classify_and_regress(name, requests, ranker_server)


def _classify_and_regress(name: str, requests: dict[str, Any], server: serving.LocalServer) -> None:
    """The same by the methods that take parsed examples."""
    import tensorflow as tf

    rows = [tf.train.Example.FromString(row) for row in requests["regression"][0]["inputs"]]
    stubs, rest = Stubs(server.grpc_address), RestClient(server.rest_url)
    expected = requests["regression"][1]["outputs"]

    regress = regression_pb2.RegressionRequest()
    regress.model_spec.name, regress.model_spec.signature_name = name, "regression"
    regress.input.example_list.examples.extend(rows)
    result = stubs.prediction.Regress(regress, timeout=60).result
    compare([row.value for row in result.regressions], expected, "Regress")

    classify = classification_pb2.ClassificationRequest()
    classify.model_spec.name, classify.model_spec.signature_name = name, "classification"
    classify.input.example_list.examples.extend(rows)
    result = stubs.prediction.Classify(classify, timeout=60).result
    got = [[two.score for two in row.classes] for row in result.classifications]
    compare(got, requests["classification"][1]["scores"], "Classify")
    stubs.close()

    examples = [_json_example(row) for row in rows]
    body = {"signature_name": "regression", "examples": examples}
    status, answer = rest.ask(f"/v1/models/{name}:regress", body)
    assert status == 200, answer
    compare(answer["results"], expected, "REST regress")


def _json_example(example: Any) -> dict[str, Any]:
    found = {}
    for key, feature in example.features.feature.items():
        values = list(getattr(feature, feature.WhichOneof("kind")).value)
        found[key] = [one.decode() if isinstance(one, bytes) else one for one in values]
    return found
