"""To a model in this very process."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.session.session import Session


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
