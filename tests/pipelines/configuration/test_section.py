"""What a file may hold, whichever section is made of it."""

import datetime
from typing import Any

import pytest

from pipelines.configuration.section import checked
from pipelines.events.settings import EventSettings

EVENTS: dict[str, Any] = {
    "files": "log.csv",
    "format": "csv",
    "user": "user",
    "item": "film",
    "time": "at",
    "features": {
        "user": {"dtype": "int64", "fit": "num_ids"},
        "film": {"dtype": "string", "fit": "vocabulary"},
        "price": {"dtype": "float32", "default": 1},
    },
    "fractions": [0.5, 0.5],
    "positive_from": 4,
    "label": "stars",
}


def test_the_settings_of_events_are_made_by_the_same_rules() -> None:
    settings = checked(EventSettings, EVENTS, "events.toml")
    assert settings == EventSettings.model_validate(EVENTS)
    assert (settings.files, settings.fractions) == (("log.csv",), (0.5, 0.5))
    assert type(settings.positive_from) is float


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"history": "50"},
            "`history` must be a whole number, without quotes. "
            "Received: history='50' in 'events.toml'.",
        ),
        (
            {"header": 1},
            "`header` must be true or false. Received: header=1 in 'events.toml'.",
        ),
        (
            {"positive_from": True},
            "`positive_from` must be a number. Received: positive_from=True in 'events.toml'.",
        ),
        (
            {"user": 3, "seed": 1.5},
            "`user` must be text in quotes. Received: user=3 in 'events.toml'.\n"
            "`seed` must be a whole number, without a point or an exponent. "
            "Received: seed=1.5 in 'events.toml'.",
        ),
        (
            {"time": datetime.time(12)},
            "`time` must be text, a number, true or false, a list or a table; write a date as "
            "text. Received: time=datetime.time(12, 0) in 'events.toml'.",
        ),
        (
            {"missing": ["", datetime.date(2020, 1, 2)]},
            "`missing[1]` must be text, a number, true or false, a list or a table; write a date "
            "as text. Received: missing[1]=datetime.date(2020, 1, 2) in 'events.toml'.",
        ),
        (
            {"histori": 3},
            "`histori` must be a known key. Received: histori=3 in 'events.toml'. "
            "Did you mean history?",
        ),
        (
            {"item": "price"},
            "`item` must be one of `features`, fixed, int64 or string. "
            "Received: item='price' in 'events.toml'.",
        ),
    ],
)
def test_a_wrong_value_is_told_with_key_value_rule_and_file(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="must") as error:
        checked(EventSettings, EVENTS | change, "events.toml")
    assert str(error.value) == message
