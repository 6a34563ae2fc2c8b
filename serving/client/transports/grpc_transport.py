"""To a model over gRPC."""

from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np

from serving.client.transports.connection import LARGEST_ANSWER
from serving.status_error import Code, StatusError
from serving.wire.messages import message_class
from serving.wire.tensors import fill_content, to_array

_OPTIONS = (
    ("grpc.max_receive_message_length", LARGEST_ANSWER),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),  # the client decides what is sent again
    ("grpc.use_local_subchannel_pool", 1),  # a new channel must be a new connection
)


class GrpcTransport:
    """Predict requests over gRPC, to TensorFlow Serving or the local server.

    Classification and regression go by Predict too: it takes serialized examples as they are,
    where Classify would have the server parse and serialize each of them once more.

    Args:
        address: `host:port`.
        model_name: The model's name.
        version: Its version. Default: the server's choice.
        label: A version label instead. Default: none.
        credentials: `grpc.ChannelCredentials` for TLS. Default: plain text.
    """

    def __init__(
        self,
        address: str,
        model_name: str,
        *,
        version: int | None = None,
        label: str = "",
        credentials: Any = None,
    ) -> None:
        self._address, self._credentials, self._closed = address, credentials, False
        self._connect()
        self._spec = message_class("tensorflow.serving.ModelSpec")(name=model_name)
        if version is not None:
            self._spec.version.value = version
        if label:
            self._spec.version_label = label

    def _connect(self) -> None:
        if self._credentials is None:
            self._channel = grpc.insecure_channel(self._address, _OPTIONS)
        else:
            self._channel = grpc.secure_channel(self._address, self._credentials, _OPTIONS)
        self._predict = self._channel.unary_unary(
            "/tensorflow.serving.PredictionService/Predict",
            request_serializer=_serialize,
            response_deserializer=message_class("tensorflow.serving.PredictResponse").FromString,
        )

    def run(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray[Any, Any]],
        outputs: Mapping[str, int],
        timeout: float,
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Asks a signature, once; see `Transport`."""
        request = message_class("tensorflow.serving.PredictRequest")()
        request.model_spec.CopyFrom(self._spec)
        request.model_spec.signature_name = signature
        request.output_filter.extend(outputs)
        for name, array in inputs.items():
            fill_content(request.inputs[name], array)
        predict = self._predict
        try:
            response = predict(request, timeout=timeout)
        except grpc.RpcError as error:
            code = Code(error.code().value[0])
            current = predict is self._predict and not self._closed
            if code is Code.DEADLINE_EXCEEDED and current:
                # A machine that vanished ends no connection, and TCP waits for it for minutes. The
                # old channel lives until the calls of other threads on it have ended.
                self._connect()
            # Nobody here cancels: a server that went down did, and another one can be asked.
            code = Code.UNAVAILABLE if code is Code.CANCELLED else code
            raise StatusError(code, error.details() or "") from error
        except ValueError as error:  # of a channel that is closed
            raise StatusError(Code.CANCELLED, f"the client is closed: {error}") from error
        arrays = {}
        for name in outputs:
            if name not in response.outputs:
                raise StatusError(Code.INTERNAL, f"the server gave an answer without {name}")
            try:
                arrays[name] = to_array(response.outputs[name])
            except (StatusError, ValueError, OverflowError) as error:
                message = f"the server gave an answer whose {name} is no tensor"
                raise StatusError(Code.INTERNAL, message) from error
        return arrays

    def close(self) -> None:
        """Closes the channel."""
        self._closed = True
        self._channel.close()


def _serialize(message: Any) -> bytes:
    return bytes(message.SerializeToString())
