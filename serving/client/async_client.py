"""The client for asyncio."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np

from serving.client.client import Client

_Array = np.ndarray[Any, Any]


class AsyncClient:
    """A `Client` whose calls can be awaited, over any transport.

    Requests wait in threads of their own, so the event loop never does. A call that is cancelled
    lets go at once; its request ends by itself, at its deadline at the latest.

    Args:
        client: The client that asks; closed with this one.
        concurrency: How many requests run at once; the others wait. Positive.

    Raises:
        ValueError: If `concurrency` is not positive.

    Example:
        ```python
        async with serving.AsyncClient(serving.Client("localhost:8500", "ranker", path)) as client:
            one, other = await asyncio.gather(client.predict(rows), client.rank(user, films))
        ```
    """

    def __init__(self, client: Client, *, concurrency: int = 32) -> None:
        if concurrency < 1:
            raise ValueError(
                f"`concurrency` must be positive. Received: concurrency={concurrency}. "
                "Leave it out for the default."
            )
        self._client = client
        self._threads = ThreadPoolExecutor(concurrency, "serving-client")

    async def predict(self, features: Any, *, task: str = "") -> Any:
        """Scores rows; see `Client.predict`."""
        return await self._call(partial(self._client.predict, features, task=task))

    async def regress(self, features: Any, *, task: str = "") -> _Array:
        """Scores rows by `regression`; see `Client.regress`."""
        return await self._call(partial(self._client.regress, features, task=task))

    async def classify(self, features: Any, *, task: str = "") -> dict[str, _Array]:
        """Class labels and probabilities; see `Client.classify`."""
        return await self._call(partial(self._client.classify, features, task=task))

    async def explain(self, features: Any, *, task: str = "") -> list[list[dict[str, Any]]]:
        """The field pairs that mattered most; see `Client.explain`."""
        return await self._call(partial(self._client.explain, features, task=task))

    async def rank(self, context: Mapping[str, Any], candidates: Any, *, task: str = "") -> _Array:
        """Scores candidates for a context; see `Client.rank`."""
        return await self._call(partial(self._client.rank, context, candidates, task=task))

    async def run(
        self, signature: str, features: Any, outputs: Sequence[str] | None = None
    ) -> dict[str, _Array]:
        """Asks any signature over examples; see `Client.run`."""
        return await self._call(partial(self._client.run, signature, features, outputs))

    async def _call(self, function: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    async def close(self) -> None:
        """Waits for running requests and closes the client."""
        await asyncio.to_thread(self._threads.shutdown)
        self._client.close()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
