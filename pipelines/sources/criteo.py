"""Criteo: whether somebody clicks on an advertisement."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic

from pipelines.configuration.section import Section
from pipelines.sources.source import RepeatedRows, Row, cells_of, file_of, number_of, settings_of

_NUMBERS = [f"I{number}" for number in range(1, 14)]
_CATEGORIES = [f"C{number}" for number in range(1, 27)]


class _Settings(Section):
    file: str = pydantic.Field("train.txt", min_length=1)
    """Name of the file in the folder."""


def criteo(path: Path | None, settings: Mapping[str, Any]) -> dict[str, Iterable[Row]]:
    """Reads the Kaggle form of the Criteo logs: label, 13 counts, 26 hashed categories, by tabs.

    Features: I1 to I13 (whole numbers, some below 0) and C1 to C26 (text); an empty cell has no
    value.

    Args:
        path: The folder of the file.
        settings: `file`: its name, `train.txt` by default; compressed or not.

    Returns:
        The split "train" alone: `data.split` splits it.

    Raises:
        ValueError: If the file or a setting is invalid.
    """
    file = file_of(path, "criteo", settings_of(_Settings, settings).file)
    return {"train": RepeatedRows(lambda: _rows(file))}


def _rows(file: Path) -> Iterator[Row]:
    for line, cells in cells_of(file, "\t", 1 + len(_NUMBERS) + len(_CATEGORIES)):
        if cells[0] not in ("0", "1"):
            raise ValueError(
                f"`label` must be 0 or 1. Received: label={cells[0]!r} in {file}, line {line}."
            )
        row: Row = {"label": float(cells[0])}
        for name, cell in zip(_NUMBERS, cells[1:], strict=False):
            row[name] = number_of(name, cell, file, line) if cell else None
        for name, cell in zip(_CATEGORIES, cells[1 + len(_NUMBERS) :], strict=True):
            row[name] = cell or None
        yield row
