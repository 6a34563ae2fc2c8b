"""TensorFlow Serving's gRPC services over a version manager."""

import logging
import time
from collections.abc import Callable
from typing import Any

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from serving.server.metrics import Metrics
from serving.server.version_manager import VersionManager
from serving.status_error import Code, StatusError, internal, invalid
from serving.wire.messages import message_class

_log = logging.getLogger(__name__)

_STATUS = {status.value[0]: status for status in grpc.StatusCode}
_MESSAGE_LIMIT = 1024


def _refuse(context: Any, error: StatusError) -> None:
    """Ends a call with an error; long messages are cut as the server cuts them."""
    message = error.message
    if len(message) > _MESSAGE_LIMIT:
        message = message[:_MESSAGE_LIMIT] + "...TRUNCATED"
    context.abort(_STATUS[error.code.value], message)


def _timeout_ms(context: Any) -> int:
    remaining = context.time_remaining()
    # gRPC says "for ever" as a very large number
    return 0 if remaining is None or remaining > 1e6 else max(int(remaining * 1000), 1)


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress, MultiInference and GetModelMetadata.

    Args:
        manager: Holds the models.
        metrics: Counts the requests.
    """

    def __init__(self, manager: VersionManager, metrics: Metrics) -> None:
        self._manager = manager
        self._metrics = metrics

    def Predict(self, request: Any, context: Any) -> Any:
        """Answers a PredictRequest."""
        return self._answer("predict", "Predict", request.model_spec, request, context)

    def Classify(self, request: Any, context: Any) -> Any:
        """Answers a ClassificationRequest."""
        return self._answer("classify", "Classify", request.model_spec, request, context)

    def Regress(self, request: Any, context: Any) -> Any:
        """Answers a RegressionRequest."""
        return self._answer("regress", "Regress", request.model_spec, request, context)

    def MultiInference(self, request: Any, context: Any) -> Any:
        """Answers a MultiInferenceRequest; its first task names the version."""
        spec = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        return self._answer("multi_inference", "MultiInference", spec, request, context)

    def GetModelMetadata(self, request: Any, context: Any) -> Any:
        """Answers a GetModelMetadataRequest."""
        try:
            return model_metadata(self._manager, request)
        except StatusError as error:
            return _refuse(context, error)

    def _answer(self, method: str, api: str, spec: Any, request: Any, context: Any) -> Any:
        start = time.perf_counter()
        try:
            if api != "MultiInference" and not request.HasField("model_spec"):
                raise StatusError(Code.INVALID_ARGUMENT, "Missing ModelSpec")
            with self._manager.servable(spec) as servable:
                answer: Callable[..., Any] = getattr(servable, method)
                response = answer(request, timeout_ms=_timeout_ms(context))
        except Exception as raised:
            error = internal(raised)
            if error is not raised:
                _log.exception("%s failed", api)
            self._metrics.request(spec.name, error.code.name)
            return _refuse(context, error)
        micros = (time.perf_counter() - start) * 1e6
        labels = (("model_name", spec.name), ("API", api), ("entrypoint", "GRPC"))
        self._metrics.latency("request_latency", labels, micros)
        self._metrics.request(spec.name, Code.OK.name)
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus and HandleReloadConfigRequest.

    Args:
        manager: Holds the models.
    """

    def __init__(self, manager: VersionManager) -> None:
        self._manager = manager

    def GetModelStatus(self, request: Any, context: Any) -> Any:
        """Answers a GetModelStatusRequest."""
        try:
            return model_status(self._manager, request)
        except StatusError as error:
            return _refuse(context, error)

    def HandleReloadConfigRequest(self, request: Any, context: Any) -> Any:
        """Realises a new configuration; the answer carries the outcome as a status."""
        response = model_management_pb2.ReloadConfigResponse()
        try:
            if request.config.WhichOneof("config") != "model_config_list":
                raise StatusError(
                    Code.INVALID_ARGUMENT,
                    "ServerModelConfig type not supported by HandleReloadConfigRequest. Only "
                    "ModelConfigList is currently supported",
                )
            self._manager.reload(request.config)
        except StatusError as error:
            return _refuse(context, error)
        response.status.SetInParent()
        return response


class HealthService(grpc.GenericRpcHandler):
    """grpc.health.v1.Health/Check, which load balancers ask: SERVING while all is well.

    Args:
        serving: Says whether it is: requests are taken, and new versions looked for.
    """

    def __init__(self, serving: Callable[[], bool]) -> None:
        self._serving = serving

    def service(self, handler_call_details: Any) -> Any:
        """The handler of the one method, None for others."""
        if handler_call_details.method != "/grpc.health.v1.Health/Check":
            return None
        return grpc.unary_unary_rpc_method_handler(
            self._check,
            message_class("grpc.health.v1.HealthCheckRequest").FromString,
            message_class("grpc.health.v1.HealthCheckResponse").SerializeToString,
        )

    def _check(self, request: Any, context: Any) -> Any:
        if request.service not in _SERVICES:
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
        status = _SERVING if self._serving() else _NOT_SERVING
        return message_class("grpc.health.v1.HealthCheckResponse")(status=status)


_SERVICES = ("", "ModelService", "PredictionService")  # the whole server, or what it calls these
_SERVING, _NOT_SERVING = 1, 2


def model_status(manager: VersionManager, request: Any) -> Any:
    """Answers a GetModelStatusRequest.

    Raises:
        StatusError: INVALID_ARGUMENT without a model; NOT_FOUND for an unknown one.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    name = request.model_spec.name
    states = manager.states(name)
    if request.model_spec.HasField("version"):
        version = request.model_spec.version.value
        if version not in states:
            raise StatusError(Code.NOT_FOUND, f"Could not find version {version} of model {name}")
        states = {version: states[version]}
    if not states:
        raise StatusError(Code.NOT_FOUND, f"Could not find any versions of model {name}")
    response = get_model_status_pb2.GetModelStatusResponse()
    for version, state in states.items():
        one = response.model_version_status.add(version=version, state=state.state.value)
        one.status.SetInParent()
        if state.error is not None:
            one.status.error_code = state.error.code.value
            one.status.error_message = state.error.message
    return response


def model_metadata(manager: VersionManager, request: Any) -> Any:
    """Answers a GetModelMetadataRequest with the model's signatures.

    Default values of inputs are left out, as the server does since 2.20.

    Raises:
        StatusError: INVALID_ARGUMENT for anything but `signature_def`; NOT_FOUND for a model
            that does not answer.
    """
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
    if not request.metadata_field:
        raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
    for field in request.metadata_field:
        if field != "signature_def":
            raise invalid(f"Metadata field {field} is not supported")
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    signatures = get_model_metadata_pb2.SignatureDefMap()
    with manager.servable(request.model_spec) as servable:
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = servable.version
        for key, signature in servable.signatures.items():
            signatures.signature_def[key].CopyFrom(signature)
            signatures.signature_def[key].ClearField("defaults")
    response.metadata["signature_def"].Pack(signatures)
    return response
