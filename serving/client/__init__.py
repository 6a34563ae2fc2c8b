"""A light client: needs NumPy, protobuf and, for gRPC, grpcio; never TensorFlow."""

from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.errors import (
    ClientError,
    DeadlineError,
    FeatureError,
    FeatureTypeError,
    RequestError,
    Retry,
    SchemaError,
    UnavailableError,
)
from serving.client.transports.transport import Transport

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "DeadlineError",
    "FeatureError",
    "FeatureTypeError",
    "RequestError",
    "Retry",
    "SchemaError",
    "Transport",
    "UnavailableError",
]
