"""Whatever is sent, the server answers with a proper status and goes on."""

import http.client
import json
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_serving.apis import predict_pb2, regression_pb2

from serving import LocalServer
from serving.wire.tensors import to_array
from tests.serving.conftest import Stubs
from tests.serving.polling import eventually
from tests.serving.semantics.requests import floats, predict_request

# All tests together send more than 10,000 requests; the kinds that are cheap to draw come oftener.
many = settings(
    max_examples=1000,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SIGNATURES = [
    *("", "serving_default", "examples", "regression", "classification", "two", "ints"),
    *("echo_bytes", "doubles", "halves", "with_default", "no_such", "\x00", "é" * 300),
]
SERVICE = "/tensorflow.serving.PredictionService/"
METHODS = ("Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata")
REFUSALS = {"INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "UNIMPLEMENTED"}


@pytest.fixture(scope="module", autouse=True)
def _nothing_leaks(server: LocalServer) -> Iterator[None]:
    """After all of it the server answers, holds no request, and no file or memory grew."""
    stubs = Stubs(server.grpc_address)
    stubs.prediction.Predict(predict_request(x=floats(1.0)), timeout=30)
    before = _open_files(), _resident_megabytes()
    yield
    answer = stubs.prediction.Predict(predict_request(x=floats(1.0)), timeout=30)
    assert to_array(answer.outputs["y"]).tolist() == [2.0]
    servable = server.manager.states("toy")[5].servable
    assert servable is not None
    eventually(lambda: servable.session._users == 0)
    eventually(lambda: server._running._count == 0)
    eventually(lambda: _open_files() <= before[0] + 8)
    assert _resident_megabytes() < before[1] + 300
    stubs.close()


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def _resident_megabytes() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


# REST

numbers = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=True), st.sampled_from([1e400, 10**400])
)
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["x", "a", "b", "b64", "i", "s", ""]), inner, max_size=3),
    ),
    max_leaves=12,
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "instances": values,
        "inputs": values,
        "examples": values,
        "context": values,
        "signature_name": st.one_of(st.sampled_from(SIGNATURES), values),
    },
)


class _Rest:
    """One connection that is kept, and opened anew where the server closed it."""

    def __init__(self, server: LocalServer) -> None:
        self._address = ("127.0.0.1", server.rest_port)
        self._connection = http.client.HTTPConnection(*self._address, timeout=30)

    def ask(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        self._connection.request(method, path, body)
        response = self._connection.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture(scope="module")
def rest_connection(server: LocalServer) -> Iterator[_Rest]:
    made = _Rest(server)
    yield made
    made.close()


def check_answer(status: int, data: bytes) -> None:
    content = json.loads(data)
    assert status in (200, 400, 404, 501), content
    if status != 200:
        assert set(content) == {"error"}
        assert content["error"]


@pytest.mark.long
@many
@given(document=documents, action=st.sampled_from(["predict", "classify", "regress"]))
def test_any_json_over_rest(document: Any, action: str, rest_connection: _Rest) -> None:
    body = json.dumps(document).encode()
    check_answer(*rest_connection.ask("POST", f"/v1/models/toy:{action}", body))


@pytest.mark.long
@settings(many, max_examples=1300)
@given(body=st.binary(max_size=200))
def test_any_bytes_over_rest(body: bytes, rest_connection: _Rest) -> None:
    for prefix in (b"", b'{"instances": [1.0', b'{"inputs": "'):
        status, data = rest_connection.ask("POST", "/v1/models/toy:predict", prefix + body)
        check_answer(status, data)


@settings(many, max_examples=1200)
@given(
    path=st.text("/:.%vV1models-toyabc0123456789\u00e9", max_size=40),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
)
def test_any_path_over_rest(path: str, method: str, rest_connection: _Rest) -> None:
    quoted = "/v1/models/" + "".join(c if c.isascii() else "%C3%A9" for c in path)
    body = b"{}" if method != "GET" else None
    status, data = rest_connection.ask(method, quoted, body)
    check_answer(status, data)


@pytest.mark.parametrize("kind", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [500, 5_000, 200_000])
def test_deep_json_is_an_error(kind: str, depth: int, rest_connection: _Rest) -> None:
    body = b'{"instances": ' + kind.encode() * depth
    status, data = rest_connection.ask("POST", "/v1/models/toy:predict", body)
    assert status == 400, data
    check_answer(status, data)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_not_a_number_is_answered(value: str, rest_connection: _Rest) -> None:
    body = f'{{"instances": [{value}]}}'.encode()
    status, data = rest_connection.ask("POST", "/v1/models/toy:predict", body)
    assert (status, json.loads(data)) == (
        200,
        {"predictions": [pytest.approx(float(value), nan_ok=True)]},
    )


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\xff\xfe\r\n\r\n",
        b"POST\r\n\r\n",
        b"GET /v1/models/toy HTTP/9.9\r\n\r\n",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST /v1/models/toy:predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    ],
    ids=range(10),
)
def test_malformed_http_is_refused_and_the_next_request_answered(
    request_bytes: bytes, server: LocalServer
) -> None:
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=30) as connection:
        connection.sendall(request_bytes)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    assert not answer.startswith((b"HTTP/1.1 2", b"HTTP/1.1 500"))


# gRPC


def outcome(call: Any, request: Any) -> tuple[str, str]:
    """The status of a call, and what was said."""
    try:
        call(request, timeout=30)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    return "OK", "answered"


@pytest.fixture(scope="module")
def raw(server: LocalServer) -> Iterator[Any]:
    channel = grpc.insecure_channel(server.grpc_address)
    yield {method: channel.unary_unary(SERVICE + method) for method in METHODS}
    channel.close()


@pytest.mark.long
@settings(many, max_examples=2400)
@given(body=st.binary(max_size=120), method=st.sampled_from(METHODS))
def test_any_bytes_over_grpc(body: bytes, method: str, raw: Any) -> None:
    code, details = outcome(raw[method], body)
    if details == "Exception deserializing request!":  # gRPC says so of bytes that are no message
        assert code == "INTERNAL"
    else:
        assert code in {"OK", *REFUSALS}, details


sizes = st.one_of(st.integers(0, 4), st.sampled_from([-1, -(2**63), 2**31, 2**62, 2**63 - 1]))


@st.composite
def tensors(draw: Any) -> Any:
    """A TensorProto whose type, shape and data need not agree."""
    tensor = predict_pb2.PredictRequest().inputs["x"]
    tensor.dtype = draw(st.one_of(st.sampled_from([1, 2, 3, 7, 9, 10, 19]), st.integers(0, 130)))
    for size in draw(st.lists(sizes, max_size=4)):
        tensor.tensor_shape.dim.add(size=size)
    tensor.tensor_shape.unknown_rank = draw(st.sampled_from([False] * 9 + [True]))
    if draw(st.booleans()):
        tensor.tensor_content = draw(st.binary(max_size=32))
    tensor.float_val.extend(draw(st.lists(st.floats(width=32), max_size=3)))
    tensor.string_val.extend(draw(st.lists(st.binary(max_size=20), max_size=3)))
    tensor.int64_val.extend(draw(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3)))
    tensor.bool_val.extend(draw(st.lists(st.booleans(), max_size=2)))
    return tensor


@pytest.mark.long
@many
@given(
    signature=st.sampled_from(SIGNATURES),
    inputs=st.dictionaries(
        st.sampled_from(["x", "examples", "inputs", "a", "b", "i", "s", "d", "h", "shift", ""]),
        tensors(),
        max_size=3,
    ),
    outputs=st.lists(st.sampled_from(["y", "x", "sum", "no_such", ""]), max_size=3),
    version=st.sampled_from([None, None, None, 5, 6, -1, 2**63 - 1]),
    model=st.sampled_from(["toy", "toy", "toy", "", "no_such"]),
)
def test_any_predict_request_over_grpc(
    signature: str, inputs: Any, outputs: Any, version: Any, model: str, stubs: Stubs
) -> None:
    request = predict_pb2.PredictRequest(output_filter=outputs)
    request.model_spec.name, request.model_spec.signature_name = model, signature
    if version is not None:
        request.model_spec.version.value = version
    for name, tensor in inputs.items():
        request.inputs[name].CopyFrom(tensor)
    code, details = outcome(stubs.prediction.Predict, request)
    assert details
    if model == "no_such" or (model and version not in (None, 5)):
        assert code == "NOT_FOUND"
    elif model and signature not in SIGNATURES[:-3]:
        assert code == "FAILED_PRECONDITION"
    else:
        assert code in {"OK", *REFUSALS}


@pytest.mark.long
@settings(many, max_examples=600)
@given(
    keys=st.lists(st.sampled_from(["x", "word", "list", "", "z" * 50]), max_size=3),
    kinds=st.lists(st.sampled_from(["bytes_list", "float_list", "int64_list"]), min_size=3),
    counts=st.lists(st.integers(0, 3), min_size=3),
    signature=st.sampled_from(SIGNATURES),
)
def test_any_examples_over_grpc(
    keys: Any, kinds: Any, counts: Any, signature: str, stubs: Stubs
) -> None:
    request = regression_pb2.RegressionRequest()
    request.model_spec.name, request.model_spec.signature_name = "toy", signature
    example = request.input.example_list.examples.add()
    for key, kind, count in zip(keys, kinds, counts, strict=False):
        value = {"bytes_list": b"\xff", "float_list": float("nan"), "int64_list": -(2**63)}[kind]
        feature = getattr(example.features.feature[key], kind)
        feature.SetInParent()
        feature.value.extend([value] * count)
    code, details = outcome(stubs.prediction.Regress, request)
    assert code in {"OK", "INVALID_ARGUMENT"}, details


def test_a_message_above_the_limit_is_refused(toy: Any, tmp_path: Any) -> None:
    import shutil

    from serving import ServerOptions

    shutil.copytree(toy, tmp_path / "1")
    options = ServerOptions(
        model_name="toy",
        model_base_path=tmp_path,
        max_request_bytes=10_000,
        file_system_poll_wait_seconds=-1,
    )
    with LocalServer(options) as server:
        stubs, rest = Stubs(server.grpc_address), _Rest(server)
        with pytest.raises(grpc.RpcError) as caught:
            stubs.prediction.Predict(predict_request(x=np.zeros(5_000, np.float32)), timeout=30)
        assert caught.value.code().name == "RESOURCE_EXHAUSTED"
        status, _ = rest.ask("POST", "/v1/models/toy:predict", b" " * 10_001)
        assert status == 413
        rest.close()
        stubs.prediction.Predict(predict_request(x=floats(1.0)), timeout=30)
        stubs.close()


def test_many_at_once_are_all_answered(server: LocalServer) -> None:
    body = json.dumps({"instances": [1.0]}).encode()
    good, threads = [], []

    def ask() -> None:
        rest = _Rest(server)
        for _ in range(5):
            good.append(rest.ask("POST", "/v1/models/toy:predict", body)[0] == 200)
        rest.close()

    for _ in range(24):
        threads.append(threading.Thread(target=ask))
        threads[-1].start()
    for thread in threads:
        thread.join(60)
    assert good == [True] * 120
