"""To a model over REST, with the standard library."""

import http.client
import json
import queue
import urllib.parse
from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.sidecar import to_json
from serving.status_error import Code, StatusError
from serving.wire.tensors import NUMPY, STRING

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
        self._idle: queue.SimpleQueue[http.client.HTTPConnection] = queue.SimpleQueue()

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
        answer = self._ask(body.encode(), timeout)
        found = answer["outputs"]
        if not isinstance(found, dict):  # the only output comes without its name
            found = dict.fromkeys(outputs, found)
        return {name: _array(found[name], number) for name, number in outputs.items()}

    def _ask(self, body: bytes, timeout: float) -> Any:
        connection = self._connection(timeout)
        kept = False
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", self._path + ":predict", body, headers)
            response = connection.getresponse()
            data = response.read()
            kept = not response.will_close
        except TimeoutError as error:
            raise StatusError(Code.DEADLINE_EXCEEDED, f"{self._host}: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            # Scores may be asked twice, so a connection that broke is as good as none.
            message = f"{self._host}: {type(error).__name__}: {error}"
            raise StatusError(Code.UNAVAILABLE, message) from error
        finally:
            if kept:
                self._idle.put(connection)
            else:
                connection.close()
        return _content(response.status, data)

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            return kind(self._host, timeout=timeout)
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        return connection

    def close(self) -> None:
        """Closes the connections."""
        while not self._idle.empty():
            self._idle.get_nowait().close()


def _content(status: int, data: bytes) -> Any:
    try:
        content = json.loads(data)
    except ValueError:
        content = data.decode("utf-8", "replace")
    if status == 200 and isinstance(content, dict) and "outputs" in content:
        return content
    message = content.get("error", "") if isinstance(content, dict) else str(content)[:1024]
    raise StatusError(_CODES.get(status, Code.UNKNOWN), f"{message} (HTTP {status})")


def _array(value: Any, number: int) -> np.ndarray[Any, Any]:
    if number != STRING:
        return np.asarray(value, NUMPY[number])
    array = np.asarray(value, object)
    flat = [one.encode() if isinstance(one, str) else one for one in array.ravel()]
    return np.array(flat, object).reshape(array.shape)
