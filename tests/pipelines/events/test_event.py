import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pipelines.events.event import parse_event
from pipelines.events.prepare_with_beam import prepare_with_beam
from pipelines.readers.values import typed_value
from tests.pipelines.events import logs

ROW: dict[str, Any] = {
    "user": 3,
    "film": "Heat",
    "at": -1500,
    "stars": 4.0,
    "price": None,
    "tags": "new",
}


def test_a_row_becomes_a_user_and_an_event_that_sorts_by_time() -> None:
    user, (time, item, text) = parse_event(ROW, logs.settings("log.csv"))
    assert (user, time, item) == (3, -1500, "Heat")
    assert json.loads(text) == {
        "user": 3,
        "film": "Heat",
        "price": 1.0,
        "tags": ["new"],
        "label": 1,
    }


@given(st.integers(-(2**62), 2**62), st.sampled_from([("s", 1), ("ms", 1000), ("us", 1000000)]))
def test_a_finer_time_is_cut_to_the_second_it_is_in(time: int, unit: tuple[str, int]) -> None:
    settings = logs.settings("log.csv", time_unit=unit[0])
    _, (seconds, _, _) = parse_event({**ROW, "at": time}, settings)
    assert seconds * unit[1] <= time < (seconds + 1) * unit[1]


@given(st.floats(0, 6))
def test_a_label_is_positive_from_its_bound_on(stars: float) -> None:
    _, (_, _, text) = parse_event({**ROW, "stars": stars}, logs.settings("log.csv"))
    assert json.loads(text)["label"] == (1 if stars >= 4 else 0)


def test_without_a_label_every_event_is_positive() -> None:
    settings = logs.settings("log.csv", label=None, positive_from=None)
    _, (_, _, text) = parse_event(ROW, settings)
    assert json.loads(text)["label"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"user": None}, "`user` must have one value in each row, or a `default`"),
        ({"film": ["Heat", "Alien"]}, r"Received: film=\['Heat', 'Alien'\]$"),
        ({"at": None}, "`at` must have one value in each row"),
        ({"stars": None}, "`stars` must have one value in each row"),
        ({"user": -1}, "`user` must be an id from 0 on. Received: user=-1$"),
    ],
)
def test_a_row_that_is_not_as_it_must_be_names_its_column(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        parse_event({**ROW, **change}, logs.settings("log.csv"))


def test_a_label_without_a_bound_is_0_or_1() -> None:
    settings = logs.settings("log.csv", positive_from=None)
    with pytest.raises(ValueError, match=r"`stars` must be 0 or 1, or come with `positive_from`"):
        parse_event(ROW, settings)


@pytest.mark.parametrize(
    ("time", "unit"),
    [
        (1709208000, "s"),
        (1709208000_999, "ms"),
        (1709208000_999999999, "ns"),
        ("2024-02-29T13:00:00.999999999+01:00", "s"),
        ("1709208000.5", "s"),
    ],
)
def test_a_time_is_a_number_of_its_unit_or_iso_8601(time: int | str, unit: str) -> None:
    settings = logs.settings("log.csv", time_unit=unit)
    at = typed_value("at", time, "time")
    _, (seconds, _, _) = parse_event({**ROW, "at": at}, settings)
    assert (type(seconds), seconds) == (int, 1709208000)


@pytest.mark.parametrize(
    "change", [{"encoding": "cp1252"}, {"comment": "#"}, {"quoting": False}, {"max_cell_size": 9}]
)
def test_what_beam_cannot_do_line_by_line_is_refused_by_name(change: dict[str, Any]) -> None:
    pytest.importorskip("apache_beam")
    (key,) = change
    with pytest.raises(ValueError, match=f"`{key}` must be left out on Beam"):
        prepare_with_beam(logs.settings("log.csv", **change), "out")
