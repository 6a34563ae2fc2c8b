"""Changes of a configuration from the command line."""

import re
import tomllib
from pathlib import Path
from typing import Any

from pipelines.configuration.absolute_paths import absolute_paths

_PART = re.compile(r"([A-Za-z_][\w-]*)|\[(\d+)\]")
_FORM = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*|\[\d+\])*")


def override(content: dict[str, Any], text: str) -> None:
    """Sets one value of a configuration that is not checked yet.

    Args:
        content: The configuration as nested dicts and lists; it is changed.
        text: `key=value`: a dotted key path as `training.epochs` or `columns[2].dimension`, and a
            TOML value; a word that is no TOML value is text. Relative paths are relative to the
            folder the program runs in.

    Raises:
        ValueError: If the text is not of this form, or the path leads through something else.

    Example:
        >>> content = {"model": {"kind": "AFM"}}
        >>> override(content, "model.kind=DeepFM")
        >>> content
        {'model': {'kind': 'DeepFM'}}
    """
    path, equals, value_text = text.partition("=")
    path = path.strip()
    if not equals or not _FORM.fullmatch(path):
        raise ValueError(
            f"`--set` must be key=value. Received: --set {text}. "
            "Write, for example, --set training.epochs=3 or --set columns[0].dimension=8."
        )
    keys: list[Any] = [name or int(place) for name, place in _PART.findall(path)]
    name, value = str(keys[-1]), _value(value_text.strip())
    if "lists" not in keys[:-1]:  # where keys are columns, as people name them
        value = absolute_paths({name: value}, Path.cwd())[name]
    place: Any = content
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        if isinstance(key, int) != isinstance(place, list) or (
            isinstance(key, int) and key >= len(place)
        ):
            held = f"{len(place)} values" if isinstance(place, list) else "no list"
            raise ValueError(
                f"`--set` must follow the configuration. Received: --set {text}, where `{key}` "
                f"stands at {held}. Count from 0."
            )
        if following is None:
            place[key] = value
        elif isinstance(place, dict):
            place = place.setdefault(key, {})
        else:
            place = place[key]
        if following is not None and not isinstance(place, dict | list):
            raise ValueError(
                f"`--set` must follow the configuration. Received: --set {text}, where `{key}` is "
                f"{place!r} and has no keys. Set `{key}` as a whole."
            )


def _value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return parsed["value"] if set(parsed) == {"value"} else text
