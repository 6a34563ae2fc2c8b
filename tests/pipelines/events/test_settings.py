import json
import tomllib
from pathlib import Path

import pytest

from pipelines.configuration.configuration import Data
from pipelines.configuration.raw_files import RawFiles
from pipelines.events.settings import EventSettings, load_event_settings

GOOD = """\
files = ["log-*.csv", "gs://bucket/log.csv"]
format = "csv"
lists = {tags = "|"}
user = "user"
item = "film"
time = "at"

[features.user]
dtype = "int64"
fit = "num_ids"

[features.film]
dtype = "string"

[features.tags]
dtype = "string"
kind = "variable"
"""


def test_a_file_gives_the_settings_and_its_files_are_beside_it(tmp_path: Path) -> None:
    (tmp_path / "events.toml").write_text(GOOD, encoding="utf-8")
    settings = load_event_settings(tmp_path / "events.toml")
    assert settings.files == (f"{tmp_path}/log-*.csv", "gs://bucket/log.csv")
    assert settings.features["tags"] == EventSettings.Feature(dtype="string", kind="variable")
    assert settings.parts == ("train", "validation", "test")
    assert settings.dtypes == {"user": "int64", "film": "string", "tags": "string", "at": "time"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("user =", "usr ="), r"`usr` must be a known key\. .*Did you mean user\?"),
        (('item = "film"', 'item = "tags"'), "`item` must be one of `features`, fixed, int64 or"),
        (('fit = "num_ids"', 'fit = "vocabulary"'), "`features.user.fit` must suit int64"),
        (('fit = "num_ids"', 'default = "x"'), "`features.user.default` must be int64"),
        (('kind = "variable"', 'default = "x"\nkind = "variable"'), "be left out of a list"),
        (("lists =", "history = -1\nlists ="), "`history` must be at least 0"),
        (("lists =", "fractions = [0.5, 0.4]\nlists ="), "`fractions` must sum to one"),
        (("lists =", "fractions = [1.0]\nlists ="), "`fractions` must be two or three positive"),
        (("lists =", "positive_from = 4\nlists ="), "`positive_from` must come with a `label`"),
        (("lists =", 'label = "film"\nlists ='), "`features` must not be called film"),
        (("lists =", 'item_features = ["x"]\nlists ='), "`item_features` must be among"),
        (
            ("lists =", 'delimiter = "ab"\nlists ='),
            "`delimiter` must be one character, or come with quoting = false",
        ),
        (
            ("lists =", 'history = "20"\nlists ='),
            "`history` must be a whole number, wi",
        ),
        (("lists =", "header = 1\nlists ="), "`header` must be true or false"),
        (("lists =", 'format = "xml"\nlists ='), "must be TOML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_rule(
    change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "events.toml").write_text(GOOD.replace(*change), encoding="utf-8")
    with pytest.raises(ValueError, match=message) as raised:
        load_event_settings(tmp_path / "events.toml")
    assert "events.toml" in str(raised.value)


def test_values_are_set_for_one_call_and_json_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "events.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "events.json").write_text(json.dumps(tomllib.loads(GOOD)), encoding="utf-8")
    words = ["history=20", "features.film.fit=vocabulary", 'files=["/logs/a.csv"]']
    for name in ("events.toml", "events.json"):
        settings = load_event_settings(tmp_path / name, words)
        assert (settings.history, settings.features["film"].fit) == (20, "vocabulary")
        assert settings.files == ("/logs/a.csv",)
    with pytest.raises(ValueError, match=r"`histroy` must be a known key.*Did you mean history"):
        load_event_settings(tmp_path / "events.toml", ["histroy=20"])


def test_keys_of_raw_files_are_those_of_a_configuration() -> None:
    """One section declares them, so neither can drift from the other."""
    shared = RawFiles.model_fields.keys()
    assert shared >= {"delimiter", "header", "names", "lists", "missing", "on_bad_row"}
    for name in shared:
        events, data = EventSettings.model_fields[name], Data.model_fields[name]
        assert (events.annotation, events.default) == (data.annotation, data.default)
        assert events.description == data.description
