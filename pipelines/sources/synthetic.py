"""Synthetic data with a known answer: one pair of fields decides the label."""

import functools
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic

from pipelines.configuration.section import Section, broken
from pipelines.sources.source import RepeatedRows, Row, settings_of


class _Settings(Section):
    rows: tuple[int, int, int] = pydantic.Field((20_000, 5_000, 5_000), min_length=3)
    """Rows of the training, validation and test split."""
    fields: int = pydantic.Field(4, ge=2)
    """How many fields."""
    ids: int = pydantic.Field(10, ge=2)
    """How many ids each field has; even, so that half of the labels are 1."""
    pair: tuple[int, int] = (1, 3)
    """The two fields that decide."""
    noise: float = pydantic.Field(0.0, ge=0, le=0.5)
    """Share of the labels that are turned round."""
    seed: int = pydantic.Field(1, ge=0)
    """Decides everything that is drawn."""

    @pydantic.model_validator(mode="after")
    def _planted(self) -> "_Settings":
        if self.ids % 2:
            raise broken("ids", "be even", "Otherwise the linear term knows something.")
        if not 0 <= self.pair[0] < self.pair[1] < self.fields:
            raise broken("pair", f"be two of the fields 0 to {self.fields - 1}, ascending")
        if min(self.rows) < 0 or not self.rows[0]:
            raise broken("rows", "not be below 0, and above 0 for training")
        return self


def synthetic(path: Path | None, settings: Mapping[str, Any]) -> dict[str, Iterable[Row]]:
    """Makes rows whose label is the parity of two ids.

        label = (id of field_1 + id of field_3) mod 2
    No field alone says anything of the label: a linear model stays at AUC 0.5, a model of pairs
    reaches 1, and an attention finds the pair.

    Args:
        path: Not used.
        settings: `rows` of the three splits, number of `fields` and of `ids` each, the `pair` of
            fields, `noise` (share of wrong labels), `seed`.

    Returns:
        The three splits, with features field_0, field_1, ...

    Raises:
        ValueError: If a setting is invalid.
    """
    chosen = settings_of(_Settings, settings)
    parts = zip(("train", "validation", "test"), chosen.rows, strict=True)
    return {
        part: RepeatedRows(functools.partial(_rows, chosen, part, count))
        for part, count in parts
        if count
    }


def _rows(settings: _Settings, part: str, count: int) -> Iterator[Row]:
    draw = random.Random(f"{settings.seed} {part}")
    first, second = settings.pair
    for _ in range(count):
        ids = [draw.randrange(settings.ids) for _ in range(settings.fields)]
        wrong = draw.random() < settings.noise
        label = (ids[first] + ids[second]) % 2 ^ wrong
        yield {"label": float(label)} | {f"field_{place}": one for place, one in enumerate(ids)}
