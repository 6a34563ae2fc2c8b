"""Relative paths of a configuration, made absolute."""

from pathlib import Path
from typing import Any

_KEYS = ("base_path", "path", "test", "train", "validation", "vocabulary_file")


def absolute_paths(content: Any, folder: Path) -> Any:
    """Returns a copy in which every value of a key that holds paths is absolute.

    Args:
        content: Nested dicts and lists.
        folder: What relative paths are relative to.

    Returns:
        The copy. Addresses with `://` stay as they are, and `~` is the home folder.

    Example:
        >>> absolute_paths({"data": {"train": ["a.csv"], "label": "b"}}, Path("/tmp"))
        {'data': {'train': ['/tmp/a.csv'], 'label': 'b'}}
    """
    if isinstance(content, list):
        return [absolute_paths(item, folder) for item in content]
    if not isinstance(content, dict):
        return content
    made = {}
    for key, value in content.items():
        if key == "lists":  # its keys are columns, as people name them
            made[key] = value
        else:
            made[key] = _absolute(value, folder) if key in _KEYS else absolute_paths(value, folder)
    return made


def _absolute(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_absolute(item, folder) for item in value]
    if not isinstance(value, str) or "://" in value:
        return absolute_paths(value, folder)
    return str(folder / Path(value).expanduser())
