"""The REST API: paths, rows and columns, JSON types, statuses."""

import base64
import json
import math
import urllib.error
import urllib.request
from typing import Any

import pytest

from serving.server.rest.json import float_text
from tests.serving.rest_client import RestClient
from tests.serving.toy import example

PREDICT = "/v1/models/toy:predict"


def test_rows_in_rows_out(rest: RestClient) -> None:
    assert rest.ask(PREDICT, {"instances": [1.0, 2]}) == (200, {"predictions": [2.0, 4.0]})


def test_columns_in_columns_out(rest: RestClient) -> None:
    assert rest.ask(PREDICT, {"inputs": [1.0, 2.0]}) == (200, {"outputs": [2.0, 4.0]})
    assert rest.ask(PREDICT, {"inputs": {"x": [3.0]}}) == (200, {"outputs": [6.0]})


def test_several_outputs_are_objects(rest: RestClient) -> None:
    rows = {"signature_name": "two", "instances": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}
    assert rest.ask(PREDICT, rows)[1] == {
        "predictions": [{"product": 2.0, "sum": 3.0}, {"product": 12.0, "sum": 7.0}]
    }
    columns = {"signature_name": "two", "inputs": {"a": [1, 3], "b": [2, 4]}}
    assert rest.ask(PREDICT, columns)[1] == {"outputs": {"product": [2.0, 12.0], "sum": [3.0, 7.0]}}


@pytest.mark.parametrize("path", ["/v1/models/toy/versions/5:predict", "/V1/MODELS/toy:PREDICT"])
def test_a_path_may_name_the_version_and_has_no_case(rest: RestClient, path: str) -> None:
    assert rest.ask(path, {"instances": [1.0]})[0] == 200


def test_binary_examples_go_as_base64(rest: RestClient) -> None:
    data = base64.b64encode(example(x=2.0, word="emu").SerializeToString()).decode()
    asked = {"signature_name": "examples", "instances": [{"b64": data}]}
    assert rest.ask(PREDICT, asked)[1] == {"predictions": [{"word": 2, "x": 2.0, "y": 4.0}]}
    named = {"signature_name": "examples", "instances": [{"examples": {"b64": data}}]}
    assert rest.ask(PREDICT, named) == rest.ask(PREDICT, asked)


def test_outputs_named_bytes_come_back_as_base64(rest: RestClient) -> None:
    asked = {"signature_name": "echo_bytes", "instances": ["café", {"b64": "/w=="}]}
    status, answer = rest.ask(PREDICT, asked)
    assert status == 200
    assert [one["out_bytes"]["b64"] for one in answer["predictions"]] == ["Y2Fmw6k=", "/w=="]
    assert answer["predictions"][0]["text"] == "café"


def test_integers_and_booleans_keep_their_kind(rest: RestClient) -> None:
    asked = {"signature_name": "ints", "inputs": {"i": [2**62], "j": [1], "k": [True]}}
    assert rest.ask(PREDICT, asked)[1] == {"outputs": {"i": [2**62 + 1], "j": [2], "k": [False]}}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (3.0, "3.0"), (1e20, "1e+20"), (0.1, "0.1"), (16777216.0, "16777216")],
)
def test_floats_are_written_short_where_that_reads_back_the_same(value: Any, text: Any) -> None:
    assert float_text(value).startswith(text)


def test_floats_read_back_exactly(rest: RestClient) -> None:
    body = {"signature_name": "doubles", "instances": [1.0]}
    assert rest.ask(PREDICT, body)[1] == {"predictions": [1.0 / 3.0]}
    assert "0.333333333" in rest.text(PREDICT, body)


def test_nan_and_infinity_pass_both_ways(rest: RestClient) -> None:
    status, answer = rest.ask(PREDICT, b'{"instances": [NaN, Infinity, -Infinity]}')
    assert status == 200
    assert math.isnan(answer["predictions"][0])
    assert answer["predictions"][1:] == [math.inf, -math.inf]


def test_text_after_the_document_is_ignored(rest: RestClient) -> None:
    assert rest.ask(PREDICT, b'{"instances": [1.0]} and so on')[0] == 200


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "JSON Parse error: The document is empty"),
        (b"{", 400, "JSON Parse error: "),
        (b"[1]", 400, "JSON Value: [1] Is not object"),
        (b"[" * 100_000, 400, "JSON Parse error: "),
        ({}, 400, "Missing 'inputs' or 'instances' key"),
        (
            {"instances": [1.0], "inputs": [1.0]},
            400,
            'JSON Value: {"instances": [1.0], "inputs": [1.0]} Not formatted correctly expecting',
        ),
        ({"instances": 1.0}, 400, "JSON Value: {\"instances\": 1.0} Expecting 'instances' to be"),
        ({"instances": []}, 400, "JSON Value: {\"instances\": []} No values in 'instances'"),
        ({"signature_name": 1}, 400, 'JSON Value: {"signature_name": 1} not formatted correctly.'),
        (
            {"signature_name": "no", "instances": [1.0]},
            400,
            'Serving signature name: "no" not found in signature def',
        ),
        (
            {"instances": [None]},
            400,
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON Value: null Type: Null is not of expected type: float",
        ),
        (
            {"instances": ["a"]},
            400,
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
            'JSON Value: "a" Type: String is not of expected type: float',
        ),
        (
            {"instances": [1.0, [2.0]]},
            400,
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting shape [] but got: [1]",
        ),
        (
            {"instances": [[1.0], [2.0, 3.0]]},
            400,
            "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Expecting tensor size: 1 but got: 2",
        ),
        (
            {"instances": [[1.0, [2.0]]]},
            400,
            "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
            "Encountered list at unexpected level: 1 expected < 1",
        ),
        (
            {"instances": [{"x": 1.0}, 2.0]},
            400,
            "Expecting object but got list at item 1 of input list",
        ),
        (
            {"instances": [1.0, {"x": 2.0}]},
            400,
            "Expecting value/list but got object at item 1 of input list",
        ),
        (
            {"instances": [{"z": 1.0}]},
            400,
            "Failed to process element: 0 key: z of 'instances' list. Error: INVALID_ARGUMENT: "
            "JSON object: does not have named input: z",
        ),
        (
            {"signature_name": "two", "instances": [{"a": 1.0}]},
            400,
            "Failed to process element: 0 of 'instances' list. JSON object: "
            '{"a": 1.0} keys must be equal to: a,b',
        ),
        (
            {"signature_name": "two", "instances": [1.0]},
            400,
            "instances is a plain list, but expecting list of objects as multiple input tensors",
        ),
        (
            {"signature_name": "two", "inputs": [1.0]},
            400,
            "inputs is a plain value/list, but expecting an object as multiple input tensors",
        ),
        (
            {"signature_name": "two", "inputs": {"a": [1.0]}},
            400,
            "Missing named input: b in 'inputs' object.",
        ),
        (
            {"signature_name": "ints", "inputs": {"i": [1.5], "j": [1], "k": [True]}},
            400,
            "JSON Value: 1.5 Type: Number is not of expected type: int64",
        ),
        (
            {"signature_name": "ints", "inputs": {"i": [1], "j": [2**31], "k": [True]}},
            400,
            "JSON Value: 2147483648 Type: Number is not of expected type: int32",
        ),
        (
            {"signature_name": "echo_bytes", "inputs": [{"b64": "!"}]},
            400,
            "Unable to base64 decode",
        ),
        (
            {"signature_name": "echo_bytes", "inputs": [{"b65": "x"}]},
            400,
            'JSON Value: {"b65": "x"} not formatted correctly for base64 data',
        ),
        (
            {"signature_name": "halves", "inputs": [1.0]},
            501,
            "Conversion of JSON Value: 1.0 to type: half",
        ),
        (
            {"signature_name": "constant", "instances": [1.0]},
            400,
            "Tensor name: c has no shape information",
        ),
        (
            {"signature_name": "uneven", "instances": [1.0]},
            400,
            "Tensor name: two has inconsistent batch size: 2 expecting: 1",
        ),
    ],
)
def test_what_is_wrong_is_said(rest: RestClient, body: Any, status: int, message: str) -> None:
    answered, answer = rest.ask(PREDICT, body)
    assert answered == status
    assert answer["error"].startswith(message)


def test_a_scalar_output_can_be_asked_for_in_columns(rest: RestClient) -> None:
    assert rest.ask(PREDICT, {"signature_name": "constant", "inputs": [1.0]})[1] == {"outputs": 3.0}


def test_classify_and_regress_answer_results(rest: RestClient) -> None:
    asked = {"signature_name": "classification", "examples": [{"x": 0.5}]}
    status, answer = rest.ask("/v1/models/toy:classify", asked)
    assert (status, answer) == (200, {"results": [[["low", 0.0], ["high", 1.0]]]})
    asked = {
        "signature_name": "regression",
        "context": {"x": 1.0},
        "examples": [{}, {"x": 2.5, "list": [1, 2], "word": "cat"}],
    }
    assert rest.ask("/v1/models/toy:regress", asked) == (200, {"results": [2.0, 8.0]})


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (None, "When method is classify, key 'examples' is expected and was not found"),
        (1, "Expecting 'examples' value to be an list/array"),
        ([], "'examples' value is an empty array"),
        ([1], "Example must be JSON object but got JSON Number"),
        ([{"x": None}], "Feature: x has element with unexpected JSON type: Null"),
        ([{"x": [[1.0]]}], "Feature: x has element with unexpected JSON type: Array"),
        ([{"x": [1.0, 2]}], "Unexpected element type in feature: x expecting type: float"),
        ([{"list": 2**63}], "Feature: list has uint64_t element. Only int64_t is supported."),
    ],
)
def test_examples_of_another_form_are_refused(
    rest: RestClient, examples: Any, message: str
) -> None:
    body = {"signature_name": "regression"} | ({} if examples is None else {"examples": examples})
    status, answer = rest.ask("/v1/models/toy:regress", body)
    assert status == 400
    assert message in answer["error"]


def test_a_whole_number_for_a_float_feature_fails(rest: RestClient) -> None:
    asked = {"signature_name": "regression", "examples": [{"x": 2}]}
    assert rest.ask("/v1/models/toy:regress", asked)[0] == 400


def test_status_tells_every_version(rest: RestClient) -> None:
    expected = {
        "model_version_status": [
            {
                "version": "5",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }
    assert rest.ask("/v1/models/toy") == (200, expected)
    assert rest.ask("/v1/models/toy/versions/5") == (200, expected)


def test_metadata_tell_the_signatures(rest: RestClient) -> None:
    status, answer = rest.ask("/v1/models/toy/metadata")
    assert status == 200
    assert answer["model_spec"] == {"name": "toy", "signature_name": "", "version": "5"}
    signature = answer["metadata"]["signature_def"]["signature_def"]["regression"]
    assert signature["method_name"] == "tensorflow/serving/regress"
    assert signature["inputs"]["inputs"]["dtype"] == "DT_STRING"


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/v1/models/no", None, 404, "Could not find any versions of model no"),
        ("/v1/models/toy/versions/6", None, 404, "Could not find version 6 of model toy"),
        ("/v1/models", None, 400, "Missing model name in request."),
        ("/v1/toy", None, 400, "Malformed request: GET /v1/toy"),
        ("/v1/models/toy:no", {}, 400, "Malformed request: POST /v1/models/toy:no"),
        (
            "/v1/models/no:predict",
            {"instances": [1.0]},
            404,
            "Servable not found for request: Latest(no)",
        ),
        (
            "/v1/models/toy/versions/6:predict",
            {"instances": [1.0]},
            404,
            "Servable not found for request: Specific(toy, 6)",
        ),
        (
            "/v1/models/toy/versions/99999999999999999999:predict",
            {"instances": [1.0]},
            400,
            "Failed to convert version: 99999999999999999999 to numeric.",
        ),
        (
            "/v1/models/toy/labels/stable:predict",
            {"instances": [1.0]},
            400,
            "Unrecognized servable version label: stable",
        ),
        ("/other", None, 404, "Unexpected path: /other"),
    ],
)
def test_paths_that_lead_nowhere_are_refused(
    rest: Any, path: Any, body: Any, status: Any, message: Any
) -> None:
    assert rest.ask(path, body) == (status, {"error": message})


def test_other_http_methods_are_refused(rest: RestClient) -> None:
    request = urllib.request.Request(rest.url + "/v1/models/toy", method="DELETE")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    with caught.value as error:
        assert error.code == 400
        assert json.loads(error.read())["error"] == "Malformed request: DELETE /v1/models/toy"
