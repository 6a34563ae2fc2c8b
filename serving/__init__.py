"""A trained model to answered requests: signatures, exporter, publishing, client, local server.

Names are loaded when they are first used: a client process must not pay for TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from serving.client.async_client import AsyncClient as AsyncClient
    from serving.client.client import Client as Client
    from serving.client.errors import ClientError as ClientError
    from serving.exporting.export import export as export
    from serving.publishing.publish import prune as prune
    from serving.publishing.publish import publish as publish
    from serving.publishing.publish import rollback as rollback
    from serving.publishing.publish import versions as versions
    from serving.publishing.server_files import write_server_files as write_server_files
    from serving.server.local_server import LocalServer as LocalServer
    from serving.server.options import ServerOptions as ServerOptions
    from serving.session.session import Session as Session
    from serving.status_error import StatusError as StatusError
    from serving.verification import VerificationError as VerificationError
    from serving.verification import verify as verify

_HOMES = {
    "AsyncClient": "serving.client.async_client",
    "Client": "serving.client.client",
    "ClientError": "serving.client.errors",
    "LocalServer": "serving.server.local_server",
    "ServerOptions": "serving.server.options",
    "Session": "serving.session.session",
    "StatusError": "serving.status_error",
    "VerificationError": "serving.verification",
    "export": "serving.exporting.export",
    "prune": "serving.publishing.publish",
    "publish": "serving.publishing.publish",
    "rollback": "serving.publishing.publish",
    "verify": "serving.verification",
    "versions": "serving.publishing.publish",
    "write_server_files": "serving.publishing.server_files",
}

__all__ = [
    "AsyncClient",
    "Client",
    "ClientError",
    "LocalServer",
    "ServerOptions",
    "Session",
    "StatusError",
    "VerificationError",
    "export",
    "prune",
    "publish",
    "rollback",
    "verify",
    "versions",
    "write_server_files",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'serving' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
