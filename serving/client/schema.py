"""What a client knows of a model: its sidecar."""

import http.client
import json
import os
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serving.client.errors import SchemaError
from serving.client.features import Feature
from serving.client.transports.connection import read_all
from serving.publishing.names import folder_versions
from serving.sidecar import FORMAT, SIDECAR_FILE
from serving.status_error import StatusError
from serving.wire.tensors import NAMES

_NUMBERS = {name: number for number, name in NAMES.items()}
_FETCH_SECONDS = 30


class Schema:
    """Features and signatures of a model, from the file that `serving.export` writes beside it.

    Args:
        source: A version folder, a base path (its highest version counts), the JSON file itself,
            an http or https address of it, or its parsed content.

    Raises:
        SchemaError: If it cannot be read, or is of another format.
    """

    def __init__(self, source: str | os.PathLike[str] | Mapping[str, Any]) -> None:
        content = source if isinstance(source, Mapping) else _parsed(source)
        if content.get("format") != FORMAT:
            raise SchemaError(
                f"`schema` must be of format {FORMAT}. Received: format={content.get('format')}. "
                "Use the version of this package that exported the model."
            )
        self.content = content
        try:
            self.features = {
                name: Feature.of(name, entry) for name, entry in content["features"].items()
            }
            for signature in content["signatures"]:
                self.outputs(signature)
            _ = self.candidates_are_ids, self.tasks
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise SchemaError(
                "`schema` must be whole. Received: a sidecar that is not "
                f"({type(error).__name__}: {error}). Export the model again."
            ) from error

    @property
    def candidates_are_ids(self) -> bool:
        """Whether `rank` takes ids, and not examples, as candidates."""
        return bool(self.content["rank"]["candidates"] == "ids")

    @property
    def tasks(self) -> list[str]:
        """The tasks of a model of several; empty for one of one."""
        return [str(task) for task in self.content.get("tasks", [])]

    def checked_task(self, task: str) -> str:
        """The task, which must be one of several, or empty for a model of one.

        Raises:
            SchemaError: If the model has no such task, or several and none is named.
        """
        if task in (self.tasks or [""]):
            return task
        if not self.tasks:
            raise SchemaError(
                "`task` must be left out for a model of one task. Received: "
                f"task='{task}'. Leave it out."
            )
        raise SchemaError(
            f"`task` must be one of {self.tasks}. Received: task='{task}'. Name the task to ask."
        )

    def side(self, side: str) -> dict[str, Feature]:
        """The features that come with the `context` or the `candidate` in `rank`."""
        return {
            name: feature
            for name, feature in self.features.items()
            if feature.side in (side, "both")
        }

    def outputs(self, signature: str) -> dict[str, int]:
        """TensorFlow's numbers of the element types of a signature's outputs.

        Raises:
            SchemaError: If the model has no such signature.
        """
        if signature not in self.content["signatures"]:
            raise SchemaError(
                f"`signature` must be one of {sorted(self.content['signatures'])}. Received: "
                f"signature='{signature}'. Export a model that has it."
            )
        outputs = self.content["signatures"][signature]["outputs"]
        return {name: _NUMBERS[entry["dtype"]] for name, entry in outputs.items()}


def _parsed(source: str | os.PathLike[str]) -> Mapping[str, Any]:
    try:
        content = json.loads(_text(source))
    except (OSError, ValueError, RecursionError, StatusError, http.client.HTTPException) as error:
        raise SchemaError(
            "`schema` must name a model that `serving.export` wrote. Received: "
            f"schema={os.fspath(source)} ({error}). Give its version folder, or the address of "
            f"its {SIDECAR_FILE}."
        ) from error
    if not isinstance(content, Mapping):
        raise SchemaError(
            f"`schema` must hold a JSON object. Received: schema={os.fspath(source)}. "
            "Export the model again."
        )
    return content


def _text(source: str | os.PathLike[str]) -> str:
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        with urllib.request.urlopen(source, timeout=_FETCH_SECONDS) as response:
            return read_all(response, time.monotonic() + _FETCH_SECONDS).decode()
    path = Path(source)
    if path.is_dir() and not (path / SIDECAR_FILE).exists():
        path = max(folder_versions(path).items(), default=(0, path))[1]
    return (path / SIDECAR_FILE if path.is_dir() else path).read_text(encoding="utf-8")
