"""What each path of the REST API answers."""

import re
from typing import Any
from urllib.parse import unquote

from google.protobuf import json_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.grpc_services import model_metadata, model_status
from serving.server.rest.json import classify_json, parse_object, predict_json, regress_json
from serving.server.rest.requests import fill_examples, fill_predict, signature_name
from serving.server.version_manager import VersionManager
from serving.signatures import DEFAULT_SIGNATURE
from serving.status_error import invalid

_POST = re.compile(
    r"(?i)/v1/models/([^/:]+)(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?"
    r":(classify|regress|predict)"
)
_GET = re.compile(
    r"(?i)/v1/models(?:/([^/:]+))?(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?(?:/(metadata))?"
)


class RestApi:
    """Answers requests by method, path and body.

    Args:
        manager: Holds the models.
        timeout_ms: Milliseconds that a request may compute; 0 for no limit.
    """

    def __init__(self, manager: VersionManager, *, timeout_ms: int = 0) -> None:
        self._manager = manager
        self._timeout_ms = timeout_ms

    def route(self, http_method: str, path: str) -> tuple[Any, str]:
        """The model and the action that a path names.

        Raises:
            StatusError: INVALID_ARGUMENT if it names none.
        """
        pattern = _POST if http_method == "POST" else _GET
        match = pattern.fullmatch(path) if http_method in ("GET", "POST") else None
        if match is None:
            raise invalid(f"Malformed request: {http_method} {path}")
        name, version, label, action = match.groups()
        spec = model_pb2.ModelSpec(name=unquote(name or ""))
        if version:
            if len(version) > 19 or int(version) >= 2**63:
                raise invalid(f"Failed to convert version: {version} to numeric.")
            spec.version.value = int(version)
        if label:
            spec.version_label = unquote(label)
        return spec, (action or "status").lower()

    def answer(self, spec: Any, action: str, body: bytes) -> str:
        """The JSON answer.

        Raises:
            StatusError: What refused the request.
        """
        if action in ("status", "metadata") and not spec.name:
            raise invalid("Missing model name in request.")
        return str(getattr(self, f"_{action}")(spec, body))

    def _status(self, spec: Any, _: bytes) -> str:
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
        return _json(model_status(self._manager, request))

    def _metadata(self, spec: Any, _: bytes) -> str:
        request = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=spec, metadata_field=["signature_def"]
        )
        response = model_metadata(self._manager, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        return (
            f'{{\n"model_spec":{_json(response.model_spec)},\n'
            f'"metadata": {{"signature_def": {_json(signatures)}}}\n}}\n'
        )

    def _classify(self, spec: Any, body: bytes) -> str:
        request = classification_pb2.ClassificationRequest(model_spec=spec)
        document = parse_object(body)
        request.model_spec.signature_name = signature_name(document)
        fill_examples(document, request.input)
        with self._manager.servable(spec) as servable:
            return classify_json(servable.classify(request, timeout_ms=self._timeout_ms).result)

    def _regress(self, spec: Any, body: bytes) -> str:
        request = regression_pb2.RegressionRequest(model_spec=spec)
        document = parse_object(body)
        request.model_spec.signature_name = signature_name(document)
        fill_examples(document, request.input)
        with self._manager.servable(spec) as servable:
            return regress_json(servable.regress(request, timeout_ms=self._timeout_ms).result)

    def _predict(self, spec: Any, body: bytes) -> str:
        request = predict_pb2.PredictRequest(model_spec=spec)
        document = parse_object(body)
        name = request.model_spec.signature_name = signature_name(document)
        with self._manager.servable(spec) as servable:
            key = name or DEFAULT_SIGNATURE
            if key not in servable.signatures:
                raise invalid(f'Serving signature name: "{key}" not found in signature def')
            rows = fill_predict(document, servable.signatures[key].inputs, request)
            response = servable.predict(request, timeout_ms=self._timeout_ms)
        return predict_json(response.outputs, rows=rows)


def _json(message: Any) -> str:
    return json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
