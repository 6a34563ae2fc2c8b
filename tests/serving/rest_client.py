"""REST requests with the standard library."""

import json
import urllib.error
import urllib.request
from typing import Any


class RestClient:
    """Asks one server and hands back status and JSON."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """GET without a body, POST with one; a body that is not bytes is sent as JSON."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def text(self, path: str, body: Any) -> str:
        """The text of a good answer to a JSON body."""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as response:
            return str(response.read().decode())
