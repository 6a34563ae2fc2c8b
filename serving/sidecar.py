"""The JSON file beside a SavedModel that says what it reads, answers and must answer."""

import base64
import binascii
import json
from pathlib import Path
from typing import Any

import numpy as np

SIDECAR_FILE = "assets.extra/tfrs_afm.json"
"""Where a version keeps it; TensorFlow Serving leaves `assets.extra` alone."""

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"
"""Where TensorFlow Serving looks for the requests that it sends a version before anybody else."""

FORMAT = 1
"""Raised when a reader of the old form would misread the new one."""


def read_sidecar(version: Path) -> dict[str, Any]:
    """The sidecar of a version folder.

    Args:
        version: The folder that holds `saved_model.pb`.

    Raises:
        ValueError: If there is none, it is no JSON, or of a later format.
    """
    file = version / SIDECAR_FILE
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"`path` must hold a model that `serving.export` wrote. Received: path={version}, "
            f"whose {SIDECAR_FILE} cannot be read ({error}). Export the model again."
        ) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(
            f"`path` must hold a sidecar of format {FORMAT}. Received: path={version} of format "
            f"{content.get('format') if isinstance(content, dict) else None}. Read it with the "
            "version of this package that wrote it."
        )
    return content


def to_json(value: Any) -> Any:
    """Arrays as nested lists; byte strings as `{"b64": ...}`, as TensorFlow Serving's REST.

    Args:
        value: An array, a list, or one element.

    Example:
        >>> to_json(np.array([b"a"], object))
        [{'b64': 'YQ=='}]
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode()}
    return value


def from_json(value: Any) -> Any:
    """What `to_json` was given, arrays as nested lists.

    Args:
        value: Parsed JSON.

    Raises:
        ValueError: If a byte string is not base64.

    Example:
        >>> from_json([{"b64": "YQ=="}])
        [b'a']
    """
    if isinstance(value, list):
        return [from_json(item) for item in value]
    if isinstance(value, dict):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except (KeyError, TypeError, binascii.Error) as error:
            raise ValueError(
                f"`value` must be text under 'b64'. Received: value={value!r}. Export again."
            ) from error
    return value
