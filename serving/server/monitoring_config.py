"""Where metrics are read, from a MonitoringConfig file."""

import os
import re
from pathlib import Path

from serving.server.errors import invalid
from serving.server.options import METRICS_PATH

_CONFIG = re.compile(r"\s*prometheus_config\s*:?\s*{(?P<body>[^}]*)}\s*,?\s*", re.DOTALL)
_FIELD = re.compile(r"""\s*(enable|path)\s*:\s*(true|false|"[^"]*"|'[^']*')\s*[,;]?""")


def metrics_path(file: str | os.PathLike[str]) -> str | None:
    """The path of the metrics page.

    The server's own protocol messages for this file are in no package, so that it is read here:
    `prometheus_config { enable: true, path: "/some/path" }`.

    Args:
        file: The text file, or empty for the default page.

    Returns:
        The path, or None if metrics are switched off.

    Raises:
        StatusError: INVALID_ARGUMENT if the file says anything else.
    """
    if not file:
        return METRICS_PATH
    text = re.sub(r"#.*", "", Path(file).read_text("utf-8"))
    match = _CONFIG.fullmatch(text)
    rest = _FIELD.sub("", match["body"]) if match else text
    if match is None or rest.strip():
        raise invalid(f"Error parsing text-format tensorflow.serving.MonitoringConfig: {file}")
    fields = dict(_FIELD.findall(match["body"]))
    if fields.get("enable") != "true":
        return None
    return fields.get("path", METRICS_PATH).strip("\"'") or METRICS_PATH
