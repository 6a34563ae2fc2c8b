"""To a model over REST, with the standard library."""

import contextlib
import http.client
import json
import queue
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.client.transports.connection import Connection, SecureConnection, read_all
from serving.sidecar import from_json, to_json
from serving.status_error import Code, StatusError
from serving.wire.tensors import NAMES, NUMPY, STRING

_MESSAGE = 1024

_CODES = {
    400: Code.INVALID_ARGUMENT,
    401: Code.UNAUTHENTICATED,
    403: Code.PERMISSION_DENIED,
    404: Code.NOT_FOUND,
    409: Code.ALREADY_EXISTS,
    413: Code.RESOURCE_EXHAUSTED,
    429: Code.RESOURCE_EXHAUSTED,
    499: Code.CANCELLED,
    500: Code.INTERNAL,
    501: Code.UNIMPLEMENTED,
    503: Code.UNAVAILABLE,
    504: Code.DEADLINE_EXCEEDED,
}


class RestTransport:
    """Predict requests over REST, to TensorFlow Serving or the local server.

    Connections are kept for later requests. REST always answers all outputs of a signature; the
    wanted ones are picked here.

    Args:
        url: Where the server's paths begin, for instance `http://localhost:8501`.
        model_name: The model's name.
        version: Its version. Default: the server's choice.
        label: A version label instead. Default: none.
    """

    def __init__(
        self, url: str, model_name: str, *, version: int | None = None, label: str = ""
    ) -> None:
        parts = urllib.parse.urlsplit(url)
        self._host = parts.netloc
        self._secure = parts.scheme == "https"
        quoted = urllib.parse.quote(model_name, safe="")
        self._path = f"{parts.path.rstrip('/')}/v1/models/{quoted}"
        if version is not None:
            self._path += f"/versions/{version}"
        elif label:
            self._path += f"/labels/{urllib.parse.quote(label, safe='')}"
        self._idle: queue.SimpleQueue[Connection | SecureConnection] = queue.SimpleQueue()

    def run(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray[Any, Any]],
        outputs: Mapping[str, int],
        timeout: float,
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Asks a signature, once; see `Transport`."""
        body = json.dumps(
            {
                "signature_name": signature,
                "inputs": {name: to_json(array) for name, array in inputs.items()},
            }
        )
        found = self._ask(body.encode(), timeout)["outputs"]
        if not isinstance(found, dict):  # the only output comes without its name
            found = dict.fromkeys(outputs, found)
        missing = sorted(set(outputs) - set(found))
        if missing:
            raise self._wrong(f"an answer without {', '.join(missing)}")
        arrays = {}
        for name, number in outputs.items():
            try:
                arrays[name] = _array(found[name], number)
            except (ValueError, TypeError, OverflowError, RecursionError) as error:
                raise self._wrong(f"an answer whose {name} is no {NAMES[number]}") from error
        return arrays

    def _wrong(self, what: str) -> StatusError:
        return StatusError(Code.INTERNAL, f"{self._host} gave {what}: it is no such model's server")

    def _ask(self, body: bytes, timeout: float) -> Any:
        end = time.monotonic() + timeout
        connection = self._connection()
        connection.end = end
        kept = False
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", self._path + ":predict", body, headers)
            response = connection.getresponse()
            with response:
                data = read_all(response, end)
                kept = not response.will_close
        except TimeoutError as error:
            raise StatusError(Code.DEADLINE_EXCEEDED, f"{self._host}: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            # Scores may be asked twice, so a connection that broke is as good as none.
            message = f"{self._host}: {type(error).__name__}: {error}"
            raise StatusError(Code.UNAVAILABLE, message) from error
        except ValueError as error:
            raise self._wrong(f"no HTTP ({error})") from error
        finally:
            if kept:
                self._idle.put(connection)
            else:
                connection.close()
                self.close()  # the others lead to the same server, which may be gone
        return self._content(response.status, data)

    def _connection(self) -> Connection | SecureConnection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return (SecureConnection if self._secure else Connection)(self._host)

    def close(self) -> None:
        """Closes the connections."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._idle.get_nowait().close()

    def _content(self, status: int, data: bytes) -> Any:
        content: Any = None
        with contextlib.suppress(ValueError, RecursionError):
            content = json.loads(data)
        if status == 200:
            if isinstance(content, dict) and "outputs" in content:
                return content
            raise self._wrong("HTTP 200 without 'outputs'")
        text = content.get("error") if isinstance(content, dict) else None
        message = text if isinstance(text, str) else data[:_MESSAGE].decode("utf-8", "replace")
        code = _CODES.get(status, Code.UNKNOWN)
        raise StatusError(code, f"{message[:_MESSAGE]} (HTTP {status})")


def _array(value: Any, number: int) -> np.ndarray[Any, Any]:
    """The array in parsed JSON, nothing but numbers of the type taken for them."""
    if number == STRING:
        array = np.asarray(value, object)
        flat = [one.encode() if isinstance(one, str) else from_json(one) for one in array.ravel()]
        if not all(isinstance(one, bytes) for one in flat):
            raise TypeError("not text")
        made = np.empty(len(flat), object)
        made[:] = flat
        return made.reshape(array.shape)
    array = np.asarray(value)
    dtype = NUMPY[number]
    kinds = {"f": "iuf", "i": "iu", "u": "iu", "b": "b"}.get(dtype.kind, "")
    if array.size == 0:
        return np.zeros(array.shape, dtype)
    if array.dtype.kind not in kinds:
        raise TypeError("not numbers of that kind")
    with np.errstate(over="ignore"):  # infinite
        cast = array.astype(dtype)
    if dtype.kind in "iu" and not np.array_equal(cast, array):
        raise OverflowError("out of range")
    return cast
