from pathlib import Path

import pytest

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
    assert settings.dtypes == {"user": "int64", "film": "string", "tags": "string", "at": "int64"}


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
        (("lists =", 'delimiter = "ab"\nlists ='), "`delimiter` must be one character"),
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
