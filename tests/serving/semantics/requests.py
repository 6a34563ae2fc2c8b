"""Requests to the toy model."""

from typing import Any

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import inference_pb2, predict_pb2

from serving.wire.tensors import fill_content
from tests.serving.toy import example


def predict_request(signature: str = "", **inputs: Any) -> Any:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "toy"
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        fill_content(request.inputs[name], value)
    return request


def floats(*values: float) -> Any:
    return np.array(values, np.float32)


def example_request(kind: Any, signature: str, *xs: float) -> Any:
    request = kind()
    request.model_spec.name = "toy"
    request.model_spec.signature_name = signature
    request.input.example_list.examples.extend(example(x=x) for x in xs)
    return request


def refusal(call: Any, request: Any) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=30)
    return caught.value.code().name, caught.value.details()


def multi_request(*tasks: tuple[str, str, str]) -> Any:
    request = inference_pb2.MultiInferenceRequest()
    request.input.example_list.examples.extend([example(x=0.5)])
    for model, signature, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name = model
        task.model_spec.signature_name = signature
    return request
