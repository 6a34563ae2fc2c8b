"""Adult: whether somebody earns more than 50,000 dollars a year."""

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pydantic

from pipelines.configuration.section import Section
from pipelines.sources.source import Row, cells_of, file_of, number_of, settings_of

_FIELDS = {
    "age": int,
    "workclass": str,
    "fnlwgt": int,
    "education": str,
    "education_num": int,
    "marital_status": str,
    "occupation": str,
    "relationship": str,
    "race": str,
    "sex": str,
    "capital_gain": int,
    "capital_loss": int,
    "hours_per_week": int,
    "native_country": str,
}
_LABELS = {"<=50K": 0.0, ">50K": 1.0}


class _Settings(Section):
    split: Literal["standard", "stratified"] = "standard"
    """`standard`: `adult.test` is the test split. `stratified`: all splits are of `adult.data`."""
    fractions: tuple[float, float, float] | None = pydantic.Field(None, min_length=3)
    """Stratified: shares of the splits. Default: 0.6, 0.2, 0.2."""
    validation: float = pydantic.Field(0.2, gt=0, lt=1)
    """Standard: share of `adult.data` that is the validation split."""
    seed: int = pydantic.Field(1, ge=0)
    """Decides which rows."""


def adult(path: Path | None, settings: Mapping[str, Any]) -> dict[str, Iterable[Row]]:
    """Reads the census data of UCI: eight categorical and six numeric features.

    Numbers stay numbers; columns cut them into bins, scale them or make them piecewise linear. `?`
    is a value like any other.

    Args:
        path: Folder with `adult.data` and, for the standard split, `adult.test`.
        settings: `split`: `"standard"` (default), a random `validation` share (0.2) of
            `adult.data` beside `adult.test`; or `"stratified"`, `adult.data` in three by
            `fractions` (0.6, 0.2, 0.2), each with the same share of either label. `seed` decides.

    Returns:
        The three splits, in lists.

    Raises:
        ValueError: If a file or a setting is invalid.
    """
    chosen = settings_of(_Settings, settings)
    rows = list(_rows(file_of(path, "adult", "adult.data")))
    draw = random.Random(chosen.seed)
    if chosen.split == "standard":
        draw.shuffle(rows)
        size = math.ceil(len(rows) * chosen.validation)
        test = list(_rows(file_of(path, "adult", "adult.test")))
        return {"train": rows[size:], "validation": rows[:size], "test": test}
    parts: dict[str, list[Row]] = {"train": [], "validation": [], "test": []}
    train, validation, _ = chosen.fractions or (0.6, 0.2, 0.2)
    for label in _LABELS.values():
        same = [row for row in rows if row["label"] == label]
        draw.shuffle(same)
        first, second = round(len(same) * train), round(len(same) * (train + validation))
        parts["train"] += same[:first]
        parts["validation"] += same[first:second]
        parts["test"] += same[second:]
    return dict(parts)


def _rows(file: Path) -> Iterator[Row]:
    for line, cells in cells_of(file, ","):
        if cells[0].startswith("|"):  # a comment opens adult.test
            continue
        if len(cells) != len(_FIELDS) + 1 or cells[-1].removesuffix(".") not in _LABELS:
            raise ValueError(
                f"A line must have {len(_FIELDS)} cells and one of {', '.join(_LABELS)}. Received: "
                f"{len(cells)} cells that end in {cells[-1]!r} in {file}, line {line}. "
                "Download it again."
            )
        row: Row = {"label": _LABELS[cells[-1].removesuffix(".")]}  # adult.test has a full stop
        for (name, kind), cell in zip(_FIELDS.items(), cells, strict=False):
            row[name] = cell if kind is str else number_of(name, cell, file, line)
        yield row
