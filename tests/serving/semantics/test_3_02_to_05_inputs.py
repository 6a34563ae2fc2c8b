"""Contexts, defaults, and wrong or missing data in tf.Examples."""

from typing import Any

import grpc
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, regression_pb2

from serving.wire.tensors import to_array
from tests.serving.semantics.requests import floats, predict_request, refusal
from tests.serving.toy import example


def regress_with_context(context: Any, *examples: Any) -> Any:
    request = regression_pb2.RegressionRequest()
    request.model_spec.name = "toy"
    request.model_spec.signature_name = "regression"
    both = request.input.example_list_with_context
    both.context.CopyFrom(context)
    both.examples.extend(examples)
    return request


def test_3_2_a_context_fills_what_examples_leave_out(stubs: Any) -> None:
    request = regress_with_context(example(x=1.0, list=[5]), example(), example(list=[1, 2]))
    values = [one.value for one in stubs.prediction.Regress(request).result.regressions]
    assert values == [7.0, 5.0]  # the second list replaces the context's, it is not appended


def test_3_2_where_both_hold_a_feature_the_example_wins(stubs: Any) -> None:
    request = regress_with_context(example(x=1.0), example(x=4.0))
    assert stubs.prediction.Regress(request).result.regressions[0].value == 8.0


def test_3_2_a_context_without_examples_is_empty(stubs: Any) -> None:
    request = regress_with_context(example(x=1.0))
    expected = ("INVALID_ARGUMENT", "Input is empty.")
    assert refusal(stubs.prediction.Regress, request) == expected


def test_3_3_a_signature_default_stands_in_for_an_input_over_grpc(stubs: Any) -> None:
    response = stubs.prediction.Predict(predict_request("with_default", x=floats(1.0, 2.0)))
    assert to_array(response.outputs["y"]).tolist() == [2.0, 4.0]
    given = predict_request("with_default", x=floats(1.0), shift=floats(3.0))
    assert to_array(stubs.prediction.Predict(given).outputs["y"]).tolist() == [5.0]


def test_3_3_an_input_without_a_default_is_still_required(stubs: Any) -> None:
    code, message = refusal(
        stubs.prediction.Predict, predict_request("with_default", shift=floats(1.0))
    )
    assert code == "INVALID_ARGUMENT"
    assert "Signature input alias: x" in message


def test_3_3_defaults_do_not_exist_over_rest(rest: Any) -> None:
    columns = {"signature_name": "with_default", "inputs": {"x": [1.0]}}
    assert rest.ask("/v1/models/toy:predict", columns) == (
        400,
        {"error": "Missing named input: shift in 'inputs' object."},
    )
    rows = {"signature_name": "with_default", "instances": [{"x": 1.0}]}
    status, answer = rest.ask("/v1/models/toy:predict", rows)
    assert status == 400
    assert "keys must be equal to: shift,x" in answer["error"]


def _bad(kind: str) -> bytes:
    if kind == "type":
        return bytes(example(x="text").SerializeToString())
    if kind == "count":
        row = tf.train.Example()
        row.features.feature["x"].float_list.value.extend([1.0, 2.0])
        return bytes(row.SerializeToString())
    return b"\xff\xff\xff"


@pytest.mark.parametrize(("kind", "words"), [("type", "x"), ("count", "x"), ("bytes", "parse")])
def test_3_5_wrong_data_in_an_example_are_an_invalid_argument(
    stubs: Any, kind: Any, words: Any
) -> None:
    code, message = refusal(
        stubs.prediction.Predict, predict_request("examples", examples=[_bad(kind)])
    )
    assert code == "INVALID_ARGUMENT"
    assert words in message


def test_3_5_an_empty_batch_gets_an_empty_answer(stubs: Any) -> None:
    import numpy as np

    request = predict_request("examples", examples=np.zeros([0], object))
    assert to_array(stubs.prediction.Predict(request).outputs["y"]).tolist() == []


def test_a_message_over_the_limit_is_refused_before_it_is_read(toy: Any, tmp_path: Any) -> None:
    import shutil

    from serving import LocalServer, ServerOptions
    from tests.serving.conftest import Stubs
    from tests.serving.rest_client import RestClient

    shutil.copytree(toy, tmp_path / "toy" / "1")
    options = ServerOptions(
        model_name="toy", model_base_path=tmp_path / "toy", max_request_bytes=1000
    )
    with LocalServer(options) as server:
        stubs = Stubs(server.grpc_address)
        with pytest.raises(grpc.RpcError) as caught:
            stubs.prediction.Predict(predict_request(x=floats(*range(1000))))
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert stubs.prediction.Predict(predict_request(x=floats(1.0))).outputs
        stubs.close()
        rest = RestClient(server.rest_url)
        status, answer = rest.ask("/v1/models/toy:predict", {"instances": [1.0] * 1000})
        assert status == 413
        assert "larger than max" in answer["error"]
        assert rest.ask("/v1/models/toy:predict", {"instances": [1.0]})[0] == 200


def test_a_deadline_in_the_past_ends_a_call(stubs: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stubs.prediction.Predict(predict_pb2.PredictRequest(), timeout=-1)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("shape", [(0, 2**62), (2**62, 0, 2), (1,) * 65])
def test_3_5_a_shape_that_no_array_has_is_an_invalid_argument(stubs: Any, shape: Any) -> None:
    """Also where a dimension of 0 leaves nothing to hold."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "toy"
    request.inputs["x"].dtype = 1
    for size in shape:
        request.inputs["x"].tensor_shape.dim.add(size=size)
    code, message = refusal(stubs.prediction.Predict, request)
    assert (code, message) == ("INVALID_ARGUMENT", "tensor parsing error: x")
