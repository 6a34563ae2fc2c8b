"""What each path of the REST API answers."""

import re
import time
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
from serving.status_error import Code, StatusError, invalid

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
        timeout_ms: Milliseconds that a request may take; 0 for no limit.
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

    def answer(self, spec: Any, action: str, body: bytes, *, started: float | None = None) -> str:
        """The JSON answer.

        Args:
            spec: The model.
            action: What `route` said.
            body: The request's JSON.
            started: When the request came, by `time.monotonic`; what it waited and what its JSON
                took counts to its time. Default: now.

        Raises:
            StatusError: What refused the request; DEADLINE_EXCEEDED when the time is over.
        """
        if action in ("status", "metadata") and not spec.name:
            raise invalid("Missing model name in request.")
        end = None
        if self._timeout_ms > 0:
            end = (time.monotonic() if started is None else started) + self._timeout_ms / 1e3
        return str(getattr(self, f"_{action}")(spec, body, end))

    def _status(self, spec: Any, *_: object) -> str:
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
        return _json(model_status(self._manager, request))

    def _metadata(self, spec: Any, *_: object) -> str:
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

    def _classify(self, spec: Any, body: bytes, end: float | None) -> str:
        request = classification_pb2.ClassificationRequest(model_spec=spec)
        document = parse_object(body)
        request.model_spec.signature_name = signature_name(document)
        fill_examples(document, request.input)
        with self._manager.servable(spec) as servable:
            return classify_json(servable.classify(request, timeout_ms=_left_ms(end)).result)

    def _regress(self, spec: Any, body: bytes, end: float | None) -> str:
        request = regression_pb2.RegressionRequest(model_spec=spec)
        document = parse_object(body)
        request.model_spec.signature_name = signature_name(document)
        fill_examples(document, request.input)
        with self._manager.servable(spec) as servable:
            return regress_json(servable.regress(request, timeout_ms=_left_ms(end)).result)

    def _predict(self, spec: Any, body: bytes, end: float | None) -> str:
        request = predict_pb2.PredictRequest(model_spec=spec)
        document = parse_object(body)
        name = request.model_spec.signature_name = signature_name(document)
        with self._manager.servable(spec) as servable:
            key = name or DEFAULT_SIGNATURE
            if key not in servable.signatures:
                raise invalid(f'Serving signature name: "{key}" not found in signature def')
            rows = fill_predict(document, servable.signatures[key].inputs, request)
            response = servable.predict(request, timeout_ms=_left_ms(end))
        return predict_json(response.outputs, rows=rows)


def _left_ms(end: float | None) -> int:
    """Milliseconds until the end, 0 for no limit, which is how sessions take it."""
    if end is None:
        return 0
    left = int((end - time.monotonic()) * 1e3)
    if left < 1:
        raise StatusError(
            Code.DEADLINE_EXCEEDED, "The time was over when the request's JSON had been read"
        )
    return left


def _json(message: Any) -> str:
    return json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
