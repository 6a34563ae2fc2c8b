import tomllib

import pydantic
import pytest

from pipelines.configuration.tuning import SearchRange, Tuning


def test_a_key_path_may_be_quoted_or_not() -> None:
    quoted = tomllib.loads('[space]\n"model.dropout" = {low = 0.0, high = 0.5}')
    plain = tomllib.loads("[space]\nmodel.dropout = {low = 0.0, high = 0.5}")
    table = tomllib.loads("[space.model]\ndropout = {low = 0.0, high = 0.5}")
    assert Tuning(**quoted) == Tuning(**plain) == Tuning(**table)
    assert list(Tuning(**plain).space) == ["model.dropout"]


def test_it_survives_json() -> None:
    tuning = Tuning(space={"model.units": {"choices": [[8], [16, 8]]}, "a": {"low": 1, "high": 2}})
    assert Tuning.model_validate_json(tuning.model_dump_json()) == tuning


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ({"low": 1, "high": 9}, True),
        ({"low": 1, "high": 9, "step": 2}, True),
        ({"low": 1.0, "high": 9}, False),
        ({"low": 1, "high": 9, "step": 0.5}, False),
    ],
)
def test_integers_stay_integers(given: dict, whole: bool) -> None:
    assert SearchRange(**given).whole is whole


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"low": 1}, "`low` and `high` must both be given"),
        ({"low": 2, "high": 1}, "`low` must be below `high`. Received: low=2, high=1"),
        ({"low": 0.0, "high": 1.0, "log": True}, "`log` must have a `low` above 0"),
        ({"low": 1.0, "high": 2.0, "log": True, "step": 0.5}, "and no `step`"),
        ({"low": 1, "high": 2, "choices": [1]}, "`choices` must stand alone"),
        ({"choices": []}, "choices\n"),
        ({"low": 1, "high": 2, "step": 0}, "step"),
    ],
)
def test_a_range_that_is_none_is_an_error_that_says_why(given: dict, text: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=text):
        SearchRange(**given)


@pytest.mark.parametrize(
    ("space", "text"),
    [
        ({"model": {}}, "`space` must give every key low and high, or choices. Received: model="),
        ({"model": {"dropout": {"low": 2, "high": 1}}}, r"space.`model.dropout`\n"),
        ({"model": {"dropout": 0.5}}, r"space.`model.dropout`\n"),
        (0.5, "space\n"),
    ],
)
def test_a_key_without_a_range_is_named(space: object, text: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=text):
        Tuning(space=space)
