"""Where two descriptions differ."""

from typing import Any


def differences(saved: Any, here: Any, path: str = "") -> list[str]:
    """Lists the key paths at which JSON-like values differ, with both values.

    Args:
        saved: The one.
        here: The other.
        path: Key path of both; `differences` itself gives it.

    Returns:
        One line for each, as `training.seed: 1 was 0`.

    Example:
        >>> differences({"training": {"seed": 0}}, {"training": {"seed": 1}})
        ['training.seed: 1 was 0']
    """
    if isinstance(saved, dict) and isinstance(here, dict):
        names = [*saved, *(name for name in here if name not in saved)]
        prefix = f"{path}." if path else ""
        return [
            line
            for name in names
            for line in differences(saved.get(name), here.get(name), f"{prefix}{name}")
        ]
    if isinstance(saved, list) and isinstance(here, list) and len(saved) == len(here):
        pairs = enumerate(zip(saved, here, strict=True))
        return [
            line
            for number, (one, other) in pairs
            for line in differences(one, other, f"{path}[{number}]")
        ]
    return [] if saved == here else [f"{path}: {_short(here)} was {_short(saved)}"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
