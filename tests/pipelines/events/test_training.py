"""A log of events is prepared once: training takes the examples as they are."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.__main__ import main
from pipelines.configuration.configuration import Configuration
from pipelines.events.prepare_in_memory import prepare_in_memory
from pipelines.events.prepare_with_beam import prepare_with_beam
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.preparation.prepare import prepare
from pipelines.preparation.use_prepared import use_prepared
from pipelines.runs.train_run import train_run
from tests.pipelines.events import logs

IDENTITY = "categorical_column_with_identity"
VOCABULARY = "categorical_column_with_vocabulary_list"
COLUMNS: list[dict[str, Any]] = [
    {"kind": IDENTITY, "key": "user", "dimension": 4},
    {"kind": VOCABULARY, "key": "film", "dimension": 4, "shared": "films"},
    {"kind": f"sequence_{VOCABULARY}", "key": "history", "dimension": 4, "shared": "films"},
    {"kind": VOCABULARY, "key": "tags", "dimension": 4},
    {"kind": "bucketized_column", "key": "price", "dimension": 4},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    logs.write_csv(tmp_path / "log.csv", logs.log(200))
    prepare_in_memory(logs.settings(f"{tmp_path}/log.csv"), tmp_path / "events")
    return tmp_path / "events"


def configuration(
    folder: Path, columns: list[dict[str, Any]] = COLUMNS, **sections: Any
) -> Configuration:
    data = {"prepared": str(folder), "batch_size": 32, **sections.pop("data", {})}
    training = {"epochs": 2, "optimizer": {"learning_rate": 0.01}}
    made = {"data": data, "columns": columns, "training": training, "model": {"dim": 4}}
    return Configuration.model_validate({"evaluation": {"bootstrap": 0}, **made, **sections})


def without_events(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.long
@pytest.mark.parametrize("engine", ["memory", pytest.param("beam", marks=pytest.mark.long)])
def test_training_reads_what_was_prepared_and_fits_nothing_again(
    engine: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine == "beam":
        shutil.rmtree(folder)
        settings = logs.settings(f"{tmp_path}/log.csv")
        prepare_with_beam(settings, folder, ["--runner=FnApiRunner"])
    before = without_events(folder)
    (tmp_path / "log.csv").unlink()  # no raw row is needed any more
    metrics = train_run(configuration(folder), tmp_path / "run")
    assert set(metrics) == {"validation", "test"}
    assert metrics["test"]["AFM"]["logloss"]["value"] > 0
    assert without_events(folder) == before
    assert not (tmp_path / "run" / "data").exists()
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["data"] == FeatureSpec.read(folder).key
    assert run["prepared"] == "../events"
    known = json.loads((tmp_path / "run" / "configuration.json").read_text())["data"]
    assert (known["label"], known["group"]) == ("label", "user")
    # The other commands work on the run as on any.
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "--out", "run"]) == 0
    record = folder / "test-00000-of-00002.tfrecord"
    words = ["predict", "--out", "run", "--input", str(record), "--output", "scores.csv"]
    assert main(words) == 0
    assert (tmp_path / "scores.csv").read_text().count("\n") > 1
    # It is done: a second call trains nothing.
    assert train_run(configuration(folder), tmp_path / "run") == metrics


@pytest.mark.long
def test_a_log_is_prepared_trained_on_and_served_without_a_second_pass(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import serving

    monkeypatch.chdir(tmp_path)
    (tmp_path / "clicks.json").write_text(
        json.dumps(
            {**configuration(folder).model_dump(mode="json"), "data": {"prepared": "events"}}
        )
    )
    assert main(["train", "--config", "clicks.json", "--out", "run"]) == 0
    assert main(["export", "--out", "run", "--base-path", "models/clicks"]) == 0
    with serving.Client("models/clicks/1") as client:
        found = client.predict([{"user": 1, "film": "film 3", "history": ["film 1"], "price": 2.0}])
    assert list(found)


def test_the_model_takes_the_values_that_were_fitted(folder: Path) -> None:
    made, spec = use_prepared(configuration(folder))
    assert (made.data.label, made.data.group, made.data.weight) == ("label", "user", None)
    assert spec.fitted["vocabulary(film, min_count=2)"]


def test_examples_of_the_release_before_are_read_as_they_were_meant(folder: Path) -> None:
    """They kept what was fitted with the features, and the history had a copy."""
    path = folder / "feature_spec.json"
    now = FeatureSpec.read(folder)
    content = json.loads(path.read_text())
    content["format"] = 1
    fitted = content["fitted"]
    content["fitted"] = {}
    former = {
        "user": {"num_ids": fitted["num_ids(user)"]},
        "film": {"vocabulary": fitted["vocabulary(film, min_count=2)"]},
        "history": {"vocabulary": fitted["vocabulary(film, min_count=2)"]},
        "tags": {"vocabulary": fitted["vocabulary(tags)"]},
        "price": {"bounds": fitted["quantile(price, size=5)"]},
    }
    for fields in content["features"]:
        fields.pop("values_of", None)
        fields |= former.get(fields["name"], {})
    path.write_text(json.dumps(content))
    assert FeatureSpec.read(folder) == now


def test_an_empty_file_of_a_split_is_passed_over_and_a_lost_one_is_told(folder: Path) -> None:
    first, last = (folder / f"test-0000{number}-of-00002.tfrecord" for number in range(2))
    records = last.read_bytes()
    last.write_bytes(b"")
    with pytest.raises(ValueError, match=r"test-00001-of.*an empty file, and \d+ of \d+ examples"):
        use_prepared(configuration(folder))
    first.write_bytes(first.read_bytes() + records)
    _, spec = use_prepared(configuration(folder))
    assert spec.files(folder, "test") == [first]
    last.unlink()
    with pytest.raises(ValueError, match=r"a folder without test-00001-of-00002\.tfrecord"):
        use_prepared(configuration(folder))


@pytest.mark.parametrize(
    ("columns", "sections", "text"),
    [
        ([{"kind": IDENTITY, "key": "shop"}], {}, "Received: 'shop', and they have user, film"),
        ([{"kind": IDENTITY, "key": "label"}], {}, "Received: 'label', and they have user"),
        (
            [{"kind": IDENTITY, "key": "film"}],
            {},
            "must read string, as the prepared examples have it. .* int64 for field 'film'",
        ),
        (
            [{"kind": "numeric_column", "key": "history_age"}],
            {},
            "must read a list by a sequence column. .* for field 'history_age'",
        ),
        (
            [{"kind": VOCABULARY, "key": "film", "min_count": 3}],
            {},
            r"needs vocabulary\(film, min_count=3\), and fitted are num_ids\(user\), voc",
        ),
        (
            [{"kind": "numeric_column", "key": "price", "normalizer": "standard"}],
            {},
            r"needs range\(price\), and fitted are",
        ),
        (COLUMNS, {"data": {"label": "click"}}, "`data.label` must be that of .*, 'label'"),
        (COLUMNS, {"data": {"group": "film"}}, "`data.group` must be that of .*, 'user'"),
        (COLUMNS, {"data": {"weight": "price"}}, "`data.weight` must be that of .*, None"),
        (COLUMNS, {"evaluation": {"slices": ["shop"]}}, "Received: 'shop'. Prepare them again"),
    ],
)
def test_what_does_not_fit_the_examples_is_told_before_training(
    columns: list[dict[str, Any]], sections: dict[str, Any], text: str, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=text):
        train_run(configuration(folder, columns, **sections), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"format": "csv", "train": "a.csv"}, "`data.format` must be given, or else"),
        ({"source": "adult"}, "`data.format` must be given, or else"),
        ({"train": "a.csv"}, "`data.train` must be left out with `prepared`"),
        ({"split": {"by": "random"}}, "`data.split` must be left out with `prepared`"),
        ({"positive_from": 4.0}, "`data.positive_from` must be left out with `prepared`"),
        ({"delimiter": ";"}, "`data.delimiter` must be left out with `prepared`"),
    ],
)
def test_keys_of_raw_files_are_refused_beside_prepared_examples(
    data: dict[str, Any], text: str, tmp_path: Path
) -> None:
    path = tmp_path / "clicks.json"
    content = {"data": {"prepared": "events", **data}, "columns": COLUMNS}
    path.write_text(json.dumps(content))
    from pipelines.configuration.load_configuration import load_configuration

    with pytest.raises(ValueError, match=text):
        load_configuration(path)


def test_a_folder_that_is_none_of_prepared_examples_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be a folder of prepared examples"):
        train_run(configuration(tmp_path), tmp_path / "run")


def test_prepared_examples_are_not_prepared_again(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`data\.prepared` must be left out where examples are"):
        prepare(configuration(folder), tmp_path / "again")
    with pytest.raises(ValueError, match=r"`--data` must be left out with `data\.prepared`"):
        train_run(configuration(folder), tmp_path / "run", data=tmp_path / "shared")
