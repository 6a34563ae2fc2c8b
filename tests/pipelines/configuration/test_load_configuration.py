import json
import math
from pathlib import Path

import pytest

from pipelines.configuration.column import Column
from pipelines.configuration.configuration import Configuration, Data, Model
from pipelines.configuration.load_configuration import dump, load_configuration

CLICKS = """\
[data]
format = "csv"
train = "clicks.csv"
label = "clicked"
group = "user_id"
lists = {tags = "|"}

[[columns]]
kind = "categorical_column_with_hash_bucket"
key = "user_id"
hash_bucket_size = 1000

[[columns]]
kind = "categorical_column_with_vocabulary_list"
key = "tags"
num_oov_buckets = 1

[[columns]]
kind = "crossed_column"
keys = ["user_id", {kind = "bucketized_column", key = "age", boundaries = [18, 30.5]}]
hash_bucket_size = 100
"""


def written(folder: Path, text: str = CLICKS, name: str = "run.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_the_same_as_python(tmp_path: Path) -> None:
    loaded = load_configuration(written(tmp_path))
    assert loaded == Configuration(
        data=Data(
            format="csv",
            train=str(tmp_path / "clicks.csv"),
            label="clicked",
            group="user_id",
            lists={"tags": "|"},
        ),
        columns=[
            Column(
                kind="categorical_column_with_hash_bucket", key="user_id", hash_bucket_size=1000
            ),
            Column(kind="categorical_column_with_vocabulary_list", key="tags", num_oov_buckets=1),
            Column(
                kind="crossed_column",
                keys=[
                    "user_id",
                    Column(kind="bucketized_column", key="age", boundaries=[18, 30.5]),
                ],
                hash_bucket_size=100,
            ),
        ],
    )


def test_what_is_dumped_loads_as_an_equal_one_from_any_folder(tmp_path: Path) -> None:
    loaded = load_configuration(
        written(tmp_path),
        ["model.kind=DeepFM", "model.units=[8, 4]", "tuning.space.model.dropout.choices=[0.1]"],
    )
    (tmp_path / "other").mkdir()
    again = written(tmp_path / "other", dump(loaded), "configuration.json")
    assert load_configuration(again) == loaded
    assert json.loads(again.read_text())["model"]["kind"] == "DeepFM"


def test_a_missing_number_may_count_as_nan_and_survives_a_dump(tmp_path: Path) -> None:
    text = CLICKS + '[[columns]]\nkind = "numeric_column"\nkey = "age"\ndefault_value = nan\n'
    again = written(tmp_path, dump(load_configuration(written(tmp_path, text))), "again.json")
    value = load_configuration(again).columns[3].default_value
    assert isinstance(value, float)
    assert math.isnan(value)


def test_overrides_are_toml_values_and_bare_words_are_text(tmp_path: Path) -> None:
    loaded = load_configuration(
        written(tmp_path),
        [
            "columns[0].dimension=8",
            "columns[2].keys[1].boundaries=[1, 2]",
            "model.dropout=1e-1",
            "data.label=bought",
            "data.weight='3'",
            "model.deep.units=[4]",
        ],
    )
    inner = loaded.columns[2].keys[1]
    assert loaded.columns[0].dimension == 8
    assert isinstance(inner, Column)
    assert inner.boundaries == (1.0, 2.0)
    assert loaded.model.dropout == 0.1
    assert (loaded.data.label, loaded.data.weight) == ("bought", "3")
    assert loaded.model.deep is not None
    assert loaded.model.deep.units == (4,)


def test_paths_are_relative_to_the_file_and_in_overrides_to_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = written(tmp_path)
    assert load_configuration(path).data.train == (str(tmp_path / "clicks.csv"),)
    loaded = load_configuration(path, ["data.train=['a/*.csv', '/b.csv']", "data.test=t.csv"])
    assert loaded.data.train == (str(tmp_path / "here/a/*.csv"), "/b.csv")
    assert loaded.data.test == (str(tmp_path / "here/t.csv"),)
    loaded = load_configuration(path, ["export.base_path=s3://models/ranker"])
    assert loaded.export.base_path == "s3://models/ranker"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "data.labl=3",
            "`data.labl` must be a known key. Received: data.labl=3 in 'run.toml'. "
            "Did you mean label?",
        ),
        (
            "modle.kind=AFM",
            "`modle` must be a known key. Received: modle={'kind': 'AFM'} in 'run.toml'. "
            "Did you mean model?",
        ),
        (
            "columns[2].keys[1].bounds=even",
            "`columns[2].keys[1].bounds` must be one of 'quantile' or 'uniform'. "
            "Received: columns[2].keys[1].bounds='even' in 'run.toml'.",
        ),
        (
            "columns[2].keys[1].boundaries=[2, 1]",
            "`columns[2].keys[1].boundaries` must ascend. "
            "Received: columns[2].keys[1].boundaries=[2, 1] in 'run.toml'. "
            "Sort them, and drop what is double.",
        ),
        (
            "columns[0].dimension='16'",
            "`columns[0].dimension` must be a whole number, without quotes. "
            "Received: columns[0].dimension='16' in 'run.toml'.",
        ),
        (
            "training.epochs=3.0",
            "`training.epochs` must be a whole number, without a point or an exponent. "
            "Received: training.epochs=3.0 in 'run.toml'.",
        ),
        (
            "model.dropout=true",
            "`model.dropout` must be a number. Received: model.dropout=True in 'run.toml'.",
        ),
        (
            "model.dropout='0.1'",
            "`model.dropout` must be a number, without quotes. "
            "Received: model.dropout='0.1' in 'run.toml'.",
        ),
        (
            "training.epochs=true",
            "`training.epochs` must be a whole number. "
            "Received: training.epochs=True in 'run.toml'.",
        ),
        (
            "columns[0].trainable='true'",
            "`columns[0].trainable` must be true or false. "
            "Received: columns[0].trainable='true' in 'run.toml'.",
        ),
        (
            "columns[2].keys[1].boundaries=[1, '2']",
            "`columns[2].keys[1].boundaries[1]` must be a number, without quotes. "
            "Received: columns[2].keys[1].boundaries[1]='2' in 'run.toml'.",
        ),
        (
            "data.label=2020-01-02",
            "`data.label` must be text, a number, true or false, a list or a table; write a date "
            "as text. Received: data.label=datetime.date(2020, 1, 2) in 'run.toml'.",
        ),
        (
            "evaluation.clip=[1, -1]",
            "`evaluation.clip` must be a lower and a higher number. "
            "Received: evaluation.clip=[1, -1] in 'run.toml'.",
        ),
        (
            "training.schedule={kind='cosine'}",
            "`training.schedule.decay_steps` must be given for this kind. "
            "Received: nothing in 'run.toml'.",
        ),
        (
            "tuning.space.model.dropout={low=0.5, high=0.1}",
            "`tuning.space.model.dropout.low` must be below `high`. "
            "Received: tuning.space.model.dropout.low=0.5 in 'run.toml'.",
        ),
        (
            "tuning.space.model.dropout={low=0.5}",
            "`tuning.space.model.dropout` must keep this rule: `low` and `high` must both be "
            "given, or `choices`. Received: tuning.space.model.dropout={'low': 0.5} in 'run.toml'.",
        ),
        (
            "tuning.space.model.units.choices='8'",
            "`tuning.space.model.units.choices` must be a list. "
            "Received: tuning.space.model.units.choices='8' in 'run.toml'.",
        ),
        (
            "tuning.monitor=mood",
            "`tuning.mode` must be given for a metric whose name does not say whether less is "
            "better. Received: nothing in 'run.toml'. Add mode = 'min' or 'max'.",
        ),
        (
            "columns[0].dimension=0",
            "`columns[0].dimension` must be above 0. "
            "Received: columns[0].dimension=0 in 'run.toml'.",
        ),
        (
            "columns[0].trainable=1",
            "`columns[0].trainable` must be true or false. "
            "Received: columns[0].trainable=1 in 'run.toml'.",
        ),
        (
            "data.lists.tags=3",
            "`data.lists.tags` must be text in quotes. Received: data.lists.tags=3 in 'run.toml'.",
        ),
        (
            "data.split.by=time",
            "`data.split.column` must be given with by = 'time'. "
            "Received: nothing in 'run.toml'. Name the column to split by.",
        ),
        (
            "columns[1].kind=crossed_column",
            "`columns[1].key` must be left out of kind crossed_column. Received: "
            "columns[1].key='tags' in 'run.toml'. It knows combiner, dimension, hash_bucket_size, "
            "hash_key, indicator, keys, max_norm, num_remainders, pooling, shared, stddev, "
            "trainable.",
        ),
        (
            "columns=[{kind='numeric_column'}]",
            "`columns[0].key` must be given for kind numeric_column. "
            "Received: nothing in 'run.toml'. Add it.",
        ),
        (
            "columns=[{key='a'}]",
            "`columns[0].kind` must be given. Received: nothing in 'run.toml'. Add it.",
        ),
        (
            "task={loss='clipped_squared_error', low=3, high=1}",
            "`task.low` must be below `high`. Received: task.low=3 in 'run.toml'. "
            "Give the least and the greatest label.",
        ),
        (
            "model.units=[32]",
            "`model.units` must be left out of kind AFM. "
            "Received: model.units=[32] in 'run.toml'. It is of DeepFM.",
        ),
        (
            "columns[9].dimension=4",
            "`--set` must follow the configuration. Received: --set columns[9].dimension=4, "
            "where `9` stands at 3 values. Count from 0.",
        ),
        (
            "data.label.name=4",
            "`--set` must follow the configuration. Received: --set data.label.name=4, "
            "where `label` is 'clicked' and has no keys. Set `label` as a whole.",
        ),
        (
            "epochs",
            "`--set` must be key=value. Received: --set epochs. "
            "Write, for example, --set training.epochs=3 or --set columns[0].dimension=8.",
        ),
    ],
)
def test_an_error_names_key_value_rule_and_file(tmp_path: Path, change: str, message: str) -> None:
    with pytest.raises(ValueError, match="must") as error:
        load_configuration(written(tmp_path), [change])
    assert str(error.value) == message


def test_a_whole_number_will_do_for_any_number_and_a_list_stays_one_where_all_is_allowed(
    tmp_path: Path,
) -> None:
    changes = ["model.dropout=0", "tuning.space.model.units.choices=[[8, 4], [16]]"]
    loaded = load_configuration(written(tmp_path), changes)
    assert type(loaded.model.dropout) is float
    assert loaded.tuning.space["model.units"].choices == ([8, 4], [16])
    assert load_configuration(written(tmp_path), ["training.profile_batch=[2, 4]"]).training


def test_text_that_is_no_unicode_is_told(tmp_path: Path) -> None:
    text = '{"data": {"format": "csv", "train": "a.csv", "label": "\\ud800"}, "columns": []}'
    with pytest.raises(ValueError, match=r"`data.label` must be text without lone surrogates"):
        load_configuration(written(tmp_path, text, "a.json"))


def test_an_override_that_is_too_deep_for_a_value_is_text(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`data.batch_size` must be"):
        load_configuration(written(tmp_path), ["data.batch_size=" + "[" * 100_000])
    long = ".".join(["a"] * 100_000)
    with pytest.raises(ValueError, match=r"`data.batch_size` must be"):
        load_configuration(written(tmp_path), [f"data.batch_size={long}"])
    with pytest.raises(ValueError, match=r"`--set` must have a key of at most 100 parts"):
        load_configuration(written(tmp_path), [f"{long}=1"])


def test_all_errors_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must") as error:
        load_configuration(written(tmp_path), ["data.labl=a", "data.batch_size=0"])
    assert [line.split()[0] for line in str(error.value).splitlines()] == [
        "`data.batch_size`",
        "`data.labl`",
    ]


def test_a_group_is_needed_for_a_loss_of_groups(tmp_path: Path) -> None:
    path = written(tmp_path, CLICKS.replace('group = "user_id"\n', ""))
    with pytest.raises(ValueError, match=r"`data\.group` must be given with task\.loss"):
        load_configuration(path, ["task.loss=pairwise_logistic"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "data = {", "must be TOML. Received: a file that is not: "),
        ("a.json", "{", "must be JSON. Received: a file that is not: "),
        ("a.json", "[]", "must hold an object. Received: list."),
        ("a.json", "[" * 100_000, "must be JSON. Received: a file that is not: "),
        ("a.toml", "a = " + "[" * 100_000, "must be TOML. Received: a file that is not: "),
        ("a.toml", "a = " + "{b = " * 100_000, "must be TOML. Received: a file that is not: "),
        ("a.toml", ".".join(["a"] * 100_000) + " = 1", "a key of more than 100 parts, a.a.a"),
        ("a.toml", "[" + " . ".join(['"a"'] * 100_000) + "]", "a key of more than 100 parts"),
        ("a.toml", "", "`data` must be given. Received: nothing in 'a.toml'. Add it."),
    ],
)
def test_a_file_that_is_no_configuration_is_told(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(ValueError, match="must") as error:
        load_configuration(written(tmp_path, text, name))
    assert message in str(error.value)


def test_a_list_column_may_have_the_name_of_a_path(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(
        '[data]\nformat = "csv"\ntrain = "a.csv"\nlists = {path = ">"}\n'
        '[[columns]]\nkind = "numeric_column"\nkey = "age"\n'
    )
    assert load_configuration(file).data.lists == {"path": ">"}
    assert load_configuration(file, ["data.lists.test=|"]).data.lists == {"path": ">", "test": "|"}
    assert load_configuration(file, ['data.lists={path="|"}']).data.lists == {"path": "|"}


def test_a_name_that_is_no_file_and_no_recipe_is_told() -> None:
    with pytest.raises(ValueError, match=r"`--config` must be .* or a recipe\. Received: .* nope"):
        load_configuration("nope")


@pytest.mark.parametrize("kind", ["AFM", "DeepFM", "logistic_regression"])
def test_every_model_is_whole_by_its_kind_alone(kind: str) -> None:
    assert Model.model_validate({"kind": kind}).kind == kind
