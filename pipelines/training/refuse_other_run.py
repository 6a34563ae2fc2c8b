"""Refuses to go on with another run than the one that was begun."""

from typing import Any


def refuse_other_run(saved: Any, here: Any) -> None:
    """Compares two descriptions of `describe_run`.

    Args:
        saved: Of the run that was begun.
        here: Of the one that is to go on.

    Raises:
        ValueError: If they differ; it names the first five keys that do.

    Example:
        >>> refuse_other_run({"training": {"seed": 0}}, {"training": {"seed": 1}})
        Traceback (most recent call last):
        ValueError: `resume` must ... Received: training.seed: 1 was 0. Restore ...
    """
    lines = _differences(saved, here, "")
    if lines:
        shown = "; ".join(lines[:5]) + ("; ..." if len(lines) > 5 else "")
        raise ValueError(
            "`resume` must go on with what the run was begun with; only more epochs are "
            f"possible. Received: {shown}. Restore that, or take another folder."
        )


def _differences(saved: Any, here: Any, path: str) -> list[str]:
    """Returns the key paths at which JSON-like values differ, with both values."""
    if isinstance(saved, dict) and isinstance(here, dict):
        names = [*saved, *(name for name in here if name not in saved)]
        prefix = f"{path}." if path else ""
        return [
            line
            for name in names
            for line in _differences(saved.get(name), here.get(name), f"{prefix}{name}")
        ]
    if isinstance(saved, list) and isinstance(here, list) and len(saved) == len(here):
        pairs = enumerate(zip(saved, here, strict=True))
        return [
            line
            for number, (one, other) in pairs
            for line in _differences(one, other, f"{path}[{number}]")
        ]
    return [] if saved == here else [f"{path}: {_short(here)} was {_short(saved)}"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
