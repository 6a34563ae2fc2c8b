"""What a client needs of a way to a model."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np


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
