"""The way to a model by the look of its address."""

import os

from serving.client.transports.transport import Transport


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
        from serving.client.transports.session_transport import SessionTransport

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
