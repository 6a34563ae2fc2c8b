"""The way from a client to a model: the protocol, and the one that needs no server."""

import os
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from serving.session.session import Session


class Transport(Protocol):
    """Carries arrays to a signature and back; any number of threads may use it."""

    def run(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray[Any, Any]],
        outputs: Mapping[str, int],
        timeout: float,
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Asks a signature, once.

        Args:
            signature: Its key.
            inputs: Arrays by input name; strings as bytes in object arrays.
            outputs: TensorFlow's numbers of the element types by the outputs that are wanted.
            timeout: Seconds until DEADLINE_EXCEEDED.

        Returns:
            Arrays by output name.

        Raises:
            StatusError: UNAVAILABLE if nobody took the request; otherwise what the server said.
        """
        ...

    def close(self) -> None:
        """Frees what it holds."""
        ...


def open_transport(address: str | os.PathLike[str] | Transport, model_name: str) -> Transport:
    """Opens a way to a model.

    Args:
        address: `host:port` (gRPC), `http://host:port` (REST), a version folder (this process),
            or a transport, which comes back as it is.
        model_name: The name that the server gives the model.

    Raises:
        ImportError: If gRPC is asked for and grpcio is not installed.
    """
    if not isinstance(address, str | os.PathLike):
        return address
    place = os.fspath(address)
    if place.startswith(("http://", "https://")):
        from serving.client.transports.rest_transport import RestTransport

        return RestTransport(place, model_name)
    if os.path.isdir(place):
        return SessionTransport(place)
    try:
        from serving.client.transports.grpc_transport import GrpcTransport
    except ImportError as error:
        raise ImportError(
            "`address` must be reachable with what is installed. Received: address="
            f"{place}, which needs grpcio. Run `pip install tfrs-afm[client]`, or use "
            "an http:// address."
        ) from error
    return GrpcTransport(place, model_name)


class SessionTransport:
    """A model under TensorFlow's C library, without a server.

    For batch jobs and tests: the same files, the same loader, no network. It needs TensorFlow
    installed, and loads its C library only.

    Args:
        model: The version folder, or a `serving.Session` that has it loaded, which is closed
            with this.
    """

    def __init__(self, model: str | os.PathLike[str] | Session) -> None:
        self._session = model if isinstance(model, Session) else Session(model)

    def run(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray[Any, Any]],
        outputs: Mapping[str, int],
        timeout: float,
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Asks a signature, once; see `Transport`."""
        milliseconds = max(int(timeout * 1000), 1)
        return self._session.run(signature, inputs, outputs=list(outputs), timeout_ms=milliseconds)

    def close(self) -> None:
        """Frees the model."""
        self._session.close()
