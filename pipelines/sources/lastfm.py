"""LastFM: the artists that somebody listens to, one after the other."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic

from pipelines.configuration.section import Section
from pipelines.sources.source import RepeatedRows, Row, cells_of, file_of, number_of, settings_of

_NAME = "lastfm"
_CANDIDATES = 99


class _Settings(Section):
    history: int = pydantic.Field(50, gt=0)
    """Most items of a history; the newest ones stay."""
    negatives: int = pydantic.Field(4, gt=0)
    """Drawn items beside each item of the training split."""
    seed: int = pydantic.Field(1, ge=0)
    """Decides what is drawn."""


def lastfm(path: Path | None, settings: Mapping[str, Any]) -> dict[str, Iterable[Row]]:
    """Reads the sequences as S3-Rec (Zhou et al. 2020, arXiv 2008.07873) evaluates them.

    Of each user the last item is tested, the one before validated, and every earlier one but the
    first is learnt from, each after the items before it. Features: user_id, history (a list, the
    newest item last), item_id, attributes (of the item, a list), label.

    Training rows of an item are followed by rows with `negatives` items drawn from all but the
    user's training items: what is tested or validated may be drawn, as it is not known then. The
    validation item stands among 99 drawn items that the user never has, the test item among the
    99 of the authors' file.

    Args:
        path: Folder with `LastFM.txt` (user and items in the order of time), `LastFM_sample.txt`
            (user and 99 items) and `LastFM_item2attributes.json`.
        settings: `history`: most items of a history (50). `negatives` (4). `seed` (1).

    Returns:
        The splits "train", "validation" and "test"; group by user_id.

    Raises:
        ValueError: If a file or a setting is invalid.
    """
    chosen = settings_of(_Settings, settings)
    sequences = dict(_lists(file_of(path, _NAME, "LastFM.txt")))
    given = dict(_lists(file_of(path, _NAME, "LastFM_sample.txt"), 1 + _CANDIDATES))
    attributes = _attributes(file_of(path, _NAME, "LastFM_item2attributes.json"))
    for user, items in sequences.items():
        if len(items) < 4 or user not in given:
            raise ValueError(
                f"`user` must have four items or more, and {_CANDIDATES} drawn ones. Received: "
                f"user={user} with {len(items)} items. Get both files of one release."
            )
    last = max(max(one) for one in (*sequences.values(), *given.values()))
    data = _Data(sequences, given, attributes, range(1, last + 1), chosen)
    return {part: RepeatedRows(getattr(data, part)) for part in ("train", "validation", "test")}


class _Data:
    """What was read, and the rows made of it."""

    def __init__(
        self,
        sequences: dict[int, list[int]],
        given: dict[int, list[int]],
        attributes: dict[int, list[int]],
        items: range,
        settings: _Settings,
    ) -> None:
        self._sequences, self._given, self._attributes = sequences, given, attributes
        self._items, self._settings = items, settings

    def train(self) -> Iterator[Row]:
        draw = random.Random(f"{self._settings.seed} train")
        for user, sequence in self._sequences.items():
            learnt = sequence[:-2]
            for place in range(1, len(learnt)):
                drawn = self._draw(draw, set(learnt), self._settings.negatives)
                yield from self._rows(user, sequence, place, drawn)

    def validation(self) -> Iterator[Row]:
        draw = random.Random(f"{self._settings.seed} validation")
        for user, sequence in self._sequences.items():
            drawn = self._draw(draw, set(sequence), _CANDIDATES)
            yield from self._rows(user, sequence, len(sequence) - 2, drawn)

    def test(self) -> Iterator[Row]:
        for user, sequence in self._sequences.items():
            yield from self._rows(user, sequence, len(sequence) - 1, self._given[user])

    def _draw(self, draw: random.Random, known: set[int], count: int) -> list[int]:
        drawn: dict[int, None] = {}
        while len(drawn) < min(count, len(self._items) - len(known)):
            item = draw.choice(self._items)
            if item not in known:
                drawn[item] = None
        return list(drawn)

    def _rows(self, user: int, sequence: list[int], place: int, drawn: list[int]) -> Iterator[Row]:
        history = sequence[max(0, place - self._settings.history) : place]
        for item in (sequence[place], *drawn):
            yield {
                "user_id": user,
                "history": history,
                "item_id": item,
                "attributes": self._attributes.get(item, []),
                "label": float(item == sequence[place]),
            }


def _lists(file: Path, num_cells: int | None = None) -> Iterator[tuple[int, list[int]]]:
    for line, cells in cells_of(file, None, num_cells):
        user, *items = (number_of("item", cell, file, line) for cell in cells)
        if min(items, default=0) < 1:
            raise ValueError(f"`item` must be 1 or more in each line. Received: {file}, {line=}.")
        yield user, items


def _attributes(file: Path) -> dict[int, list[int]]:
    try:
        read = json.loads(file.read_text(encoding="utf-8"))
        return {int(item): sorted(set(map(int, ids))) for item, ids in read.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"`{file}` must be an object of lists of numbers. Received: {error}. Download it again."
        ) from None
