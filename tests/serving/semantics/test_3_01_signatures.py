"""Predict, Classify, Regress and MultiInference: what is checked, and the code it gives."""

from typing import Any

import pytest
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.signatures import CLASSIFY, PREDICT, REGRESS
from serving.status_error import Code
from serving.wire.tensors import to_array
from tests.serving.semantics.requests import (
    example_request,
    floats,
    multi_request,
    predict_request,
    refusal,
)
from tests.serving.toy import example


def test_predict_answers_and_names_the_model_that_answered(stubs: Any) -> None:
    response = stubs.prediction.Predict(predict_request(x=floats(1.0, 2.0)))
    assert to_array(response.outputs["y"]).tolist() == [2.0, 4.0]
    assert response.model_spec.name == "toy"
    assert response.model_spec.signature_name == "serving_default"
    assert response.model_spec.version.value == 5


def test_answers_come_in_typed_fields(stubs: Any) -> None:
    output = stubs.prediction.Predict(predict_request(x=floats(1.0))).outputs["y"]
    assert list(output.float_val) == [2.0]
    assert not output.tensor_content


def test_an_output_filter_picks_outputs(stubs: Any) -> None:
    request = predict_request("two", a=floats(2.0), b=floats(3.0))
    request.output_filter.append("product")
    assert list(stubs.prediction.Predict(request).outputs) == ["product"]


def test_a_classify_signature_also_answers_predict(stubs: Any) -> None:
    request = predict_request("regression", inputs=[example(x=4.0).SerializeToString()])
    assert to_array(stubs.prediction.Predict(request).outputs["outputs"]).tolist() == [8.0]


def test_an_unknown_signature_is_a_failed_precondition_to_predict(stubs: Any) -> None:
    assert refusal(stubs.prediction.Predict, predict_request("no", x=floats(1.0))) == (
        "FAILED_PRECONDITION",
        'Serving signature key "no" not found.',
    )


def test_too_many_and_too_few_inputs_are_refused(stubs: Any) -> None:
    many = predict_request("two", a=floats(1.0), b=floats(1.0), c=floats(1.0))
    assert refusal(stubs.prediction.Predict, many) == (
        "INVALID_ARGUMENT",
        "input size does not match signature: 3!=2 len({a,b,c}) != len({a,b}). "
        "Sent extra: {c}. Missing but required: {}.",
    )
    few = predict_request("two", a=floats(1.0))
    assert refusal(stubs.prediction.Predict, few) == (
        "INVALID_ARGUMENT",
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). "
        "Sent extra: {}. Missing but required: {b}.",
    )


def test_a_wrong_alias_is_refused(stubs: Any) -> None:
    request = predict_request("two", a=floats(1.0), z=floats(1.0))
    code, message = refusal(stubs.prediction.Predict, request)
    assert code == "INVALID_ARGUMENT"
    assert "Signature input alias: b(feed name: two_b:0) not found in request" in message


def test_a_wrong_dtype_is_refused_by_tensorflow(stubs: Any) -> None:
    code, message = refusal(stubs.prediction.Predict, predict_request(x=[1, 2]))
    assert code == "INVALID_ARGUMENT"
    assert message.startswith("Expects arg[0] to be float but int64 is provided")


def test_unknown_and_repeated_outputs_are_refused(stubs: Any) -> None:
    request = predict_request(x=floats(1.0))
    request.output_filter.append("z")
    assert refusal(stubs.prediction.Predict, request) == (
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: z Outputs expected to be in the set {y}.",
    )
    request.output_filter[:] = ["y", "y"]
    assert refusal(stubs.prediction.Predict, request) == (
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: y",
    )


def test_a_tensor_whose_data_do_not_fit_its_shape_is_refused(stubs: Any) -> None:
    request = predict_request(x=floats(1.0, 2.0))
    request.inputs["x"].tensor_shape.dim[0].size = 3
    expected = ("INVALID_ARGUMENT", "tensor parsing error: x")
    assert refusal(stubs.prediction.Predict, request) == expected
    request.inputs["x"].ClearField("tensor_content")
    request.inputs["x"].tensor_shape.dim[0].size = 2**40
    assert refusal(stubs.prediction.Predict, request) == expected


def test_classify_gives_classes_and_scores(stubs: Any) -> None:
    request = example_request(classification_pb2.ClassificationRequest, "classification", 0.25, 0.5)
    response = stubs.prediction.Classify(request)
    found = [[(c.label, c.score) for c in one.classes] for one in response.result.classifications]
    assert found == [[("low", 0.5), ("high", 0.5)], [("low", 0.0), ("high", 1.0)]]
    assert response.model_spec.version.value == 5


@pytest.mark.parametrize(
    ("signature", "expected"), [("classes", ("high", 0.0)), ("scores", ("", 1.0))]
)
def test_classify_needs_only_one_of_classes_and_scores(
    stubs: Any, signature: Any, expected: Any
) -> None:
    request = example_request(classification_pb2.ClassificationRequest, signature, 0.5)
    (one,) = stubs.prediction.Classify(request).result.classifications
    assert (one.classes[1].label, one.classes[1].score) == expected


@pytest.mark.parametrize("signature", ["regression", "regression_2d"])
def test_regress_takes_outputs_of_rank_one_and_two(stubs: Any, signature: str) -> None:
    request = example_request(regression_pb2.RegressionRequest, signature, 1.0, 2.0)
    result = stubs.prediction.Regress(request).result
    assert [one.value for one in result.regressions] == [2.0, 4.0]


@pytest.mark.parametrize(
    ("method", "signature", "message"),
    [
        ("Classify", "no", "No signature was found with the name: no"),
        ("Classify", "two", "Expected one input Tensor."),
        ("Classify", "examples", "Expected one or two output Tensors, found 3"),
        ("Classify", "serving_default", "No classification inputs found in SignatureDef: "),
        (
            "Classify",
            "regression",
            'Expected classification signature outputs to contain at least one of "classes" or',
        ),
        (
            "Classify",
            "bad_scores_rank",
            "Expected Tensor shape: [batch_size num_classes] but got [2]",
        ),
        ("Classify", "bad_scores_dtype", "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE"),
        ("Classify", "bad_scores_batch", "Expected scores output batch size of 2. Got: 1"),
        (
            "Classify",
            "bad_scores_width",
            "Tensors class and score should match in dim_size(1). Got 2 vs. 1",
        ),
        ("Regress", "no", "No signature was found with the name: no"),
        ("Regress", "two", "Expected one input Tensor."),
        ("Regress", "classification", "Expected one output Tensor."),
        ("Regress", "serving_default", "No regression inputs found in SignatureDef: "),
        ("Regress", "scores", "No regression outputs found in SignatureDef: "),
        ("Regress", "bad_outputs_dtype", "Expected output Tensor of DT_FLOAT.  Got: DT_DOUBLE"),
        (
            "Regress",
            "bad_outputs_shape",
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got "
            "[2,2]",
        ),
        (
            "Regress",
            "bad_outputs_batch",
            "Input batch size did not match output batch size: 2 vs. 1",
        ),
    ],
)
def test_signatures_and_answers_of_another_form_are_refused(
    stubs: Any, method: Any, signature: Any, message: Any
) -> None:
    kinds = {
        "Classify": classification_pb2.ClassificationRequest,
        "Regress": regression_pb2.RegressionRequest,
    }
    request = example_request(kinds[method], signature, 1.0, 2.0)
    code, details = refusal(getattr(stubs.prediction, method), request)
    assert code == "INVALID_ARGUMENT"
    assert details.startswith(message)


def test_an_empty_input_and_a_missing_model_spec_are_refused(stubs: Any) -> None:
    request = example_request(regression_pb2.RegressionRequest, "regression")
    expected = ("INVALID_ARGUMENT", "Input is empty.")
    assert refusal(stubs.prediction.Regress, request) == expected
    assert refusal(stubs.prediction.Regress, regression_pb2.RegressionRequest()) == (
        "INVALID_ARGUMENT",
        "Missing ModelSpec",
    )
    assert refusal(stubs.prediction.Predict, predict_pb2.PredictRequest()) == (
        "INVALID_ARGUMENT",
        "Missing ModelSpec",
    )


def test_multi_inference_answers_each_task(stubs: Any) -> None:
    request = multi_request(("toy", "regression", REGRESS), ("toy", "classification", CLASSIFY))
    regression, classification = stubs.prediction.MultiInference(request).results
    assert regression.regression_result.regressions[0].value == 1.0
    assert classification.classification_result.classifications[0].classes[1].score == 1.0
    assert classification.model_spec.signature_name == "classification"
    assert classification.model_spec.version.value == 5


@pytest.mark.parametrize(
    ("tasks", "code", "message"),
    [
        ([("", "", REGRESS)], Code.INVALID_ARGUMENT, "ModelSpec has no name specified."),
        (
            [("toy", "regression", REGRESS), ("", "scores", CLASSIFY)],
            Code.INVALID_ARGUMENT,
            "Found ModelSpec with an empty model name.",
        ),
        (
            [("toy", "regression", REGRESS), ("other", "scores", CLASSIFY)],
            Code.INVALID_ARGUMENT,
            "All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            [("toy", "regression", REGRESS), ("toy", "regression", REGRESS)],
            Code.INVALID_ARGUMENT,
            "Duplicate evaluation of signature: regression",
        ),
        (
            [("toy", "no", REGRESS)],
            Code.INVALID_ARGUMENT,
            "Requested signature not found in model graph: no",
        ),
        (
            [("toy", "two", PREDICT)],
            Code.UNIMPLEMENTED,
            "Unsupported signature method_name: tensorflow/serving/predict",
        ),
        ([], Code.INVALID_ARGUMENT, "ModelSpec has no name specified."),
    ],
)
def test_multi_inference_refuses_tasks_that_do_not_fit(
    stubs: Any, tasks: Any, code: Any, message: Any
) -> None:
    request = multi_request(*tasks)
    assert refusal(stubs.prediction.MultiInference, request) == (code.name, message)


def test_method_names_are_checked_only_when_asked(toy: Any, stubs: Any) -> None:
    from serving import Session
    from serving.server.servable import Servable
    from serving.status_error import StatusError

    request = example_request(regression_pb2.RegressionRequest, "bad_outputs_batch", 1.0)
    assert stubs.prediction.Regress(request).result.regressions[0].value == 2.0
    strict = Servable(Session(toy), 1, check_method=True)
    try:
        assert strict.regress(
            example_request(regression_pb2.RegressionRequest, "regression", 1.0)
        ).result.regressions
        with pytest.raises(StatusError, match="Expected regression signature method_name to be"):
            strict.regress(request)
        with pytest.raises(StatusError, match="Expected classification signature method_name"):
            strict.classify(example_request(classification_pb2.ClassificationRequest, "two", 1.0))
    finally:
        strict.close()


def test_a_long_error_message_is_cut(stubs: Any) -> None:
    code, message = refusal(stubs.prediction.Predict, predict_request("n" * 2000, x=floats(1.0)))
    assert code == "FAILED_PRECONDITION"
    assert len(message) == 1024 + len("...TRUNCATED")
    assert message.endswith("...TRUNCATED")


def test_3_7_metadata_gives_the_signatures_without_defaults(stubs: Any) -> None:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    request.model_spec.name = "toy"
    response = stubs.prediction.GetModelMetadata(request)
    signatures = get_model_metadata_pb2.SignatureDefMap()
    response.metadata["signature_def"].Unpack(signatures)
    assert response.model_spec.version.value == 5
    assert signatures.signature_def["regression"].method_name == REGRESS
    assert "__saved_model_init_op" in signatures.signature_def
    assert not signatures.signature_def["with_default"].defaults


@pytest.mark.parametrize(
    ("name", "fields", "code", "message"),
    [
        (None, ["signature_def"], "INVALID_ARGUMENT", "Missing ModelSpec"),
        (
            "toy",
            [],
            "INVALID_ARGUMENT",
            "GetModelMetadataRequest must specify at least one metadata_field",
        ),
        ("toy", ["other"], "INVALID_ARGUMENT", "Metadata field other is not supported"),
        ("no", ["signature_def"], "NOT_FOUND", "Servable not found for request: Latest(no)"),
    ],
)
def test_3_7_other_metadata_requests_are_refused(
    stubs: Any, name: Any, fields: Any, code: Any, message: Any
) -> None:
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
    if name:
        request.model_spec.name = name
    assert refusal(stubs.prediction.GetModelMetadata, request) == (code, message)
