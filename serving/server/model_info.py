"""What a server says about its models."""

from typing import Any

from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from serving.server.errors import invalid
from serving.server.version_manager import VersionManager
from serving.status_error import Code, StatusError


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
