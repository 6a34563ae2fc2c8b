"""One small run, from clicks to metrics, predictions and an export."""

import csv
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from pipelines.__main__ import main
from pipelines.configuration.configuration import Data
from pipelines.configuration.load_configuration import load_configuration
from pipelines.files.atomic import file_sha256
from pipelines.modelling.build_model import load_model
from pipelines.runs.batches_of import input_files
from pipelines.runs.evaluate_run import evaluate_run, evaluate_splits
from pipelines.runs.export_run import export_run
from pipelines.runs.predict_run import predict_run
from pipelines.runs.run_folder import RunFolder
from pipelines.runs.train_run import train_run
from tests.pipelines.clicks import log, write_clicks

pytestmark = pytest.mark.long  # all of it after whole trainings

OVERRIDES = [
    "training.epochs=3",
    "training.optimizer.learning_rate=0.05",
    "model.dim=4",
    "evaluation.bootstrap=20",
    "evaluation.item=item_id",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clicks")
    configuration = load_configuration(write_clicks(folder), OVERRIDES)
    metrics = train_run(configuration, folder / "run")
    (folder / "trained.json").write_text(json.dumps(metrics))  # `evaluate` writes others
    return folder


def test_a_run_holds_all_that_was_promised(folder: Path) -> None:
    names = set(os.listdir(folder / "run"))
    assert {
        "checkpoints",
        "configuration.json",
        "data",
        "history.jsonl",
        "logs",
        "metrics.json",
        "model.keras",
        "run.json",
    } <= names
    assert len((folder / "run/history.jsonl").read_text().splitlines()) == 3
    metrics = json.loads((folder / "run/metrics.json").read_text())
    assert {"validation", "test"} <= set(metrics)
    auc = metrics["test"]["AFM"]["auc"]
    assert auc["low"] < auc["value"] < auc["high"]
    assert auc["value"] > metrics["test"]["popularity"]["auc"]["value"]
    assert json.loads((folder / "run/run.json").read_text())["model"] == "AFM"
    assert RunFolder(folder / "run").run["model_sha256"] == file_sha256(folder / "run/model.keras")


def test_a_run_that_is_done_is_kept(folder: Path) -> None:
    before = os.stat(folder / "run/model.keras").st_mtime_ns
    configuration = load_configuration(folder / "clicks.toml", OVERRIDES)
    assert set(train_run(configuration, folder / "run")["test"]) == {"AFM", "popularity"}
    assert os.stat(folder / "run/model.keras").st_mtime_ns == before


def test_a_run_of_something_else_is_not_written_over(folder: Path) -> None:
    configuration = load_configuration(folder / "clicks.toml", [*OVERRIDES, "model.dim=8"])
    with pytest.raises(ValueError, match=r"must not hold another run\..* whose `model` is another"):
        train_run(configuration, folder / "run")
    assert RunFolder(folder / "run").configuration().model.dim == 4


@pytest.mark.parametrize(
    ("command", "changed", "message"),
    [
        ("train", "training.epochs=4", "`--out` must not hold another run.*a run that has ended"),
        ("train", "evaluation.k=[5]", "evaluate it again by python -m pipelines evaluate"),
        ("train --resume", "training.seed=9", "whose `training.seed` is another"),
        ("train --resume", "data.label=tags", "whose `data` is another"),
        ("prepare", "data.split.seed=2", "begun on examples of other files or settings"),
    ],
)
def test_a_run_that_has_ended_is_left_as_it_was(
    folder: Path, command: str, changed: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def content() -> dict[Path, bytes]:
        return {
            path: path.read_bytes()
            for path in (folder / "run").rglob("*")
            if path.is_file() and path.name != "predictions.csv"
        }

    before = content()
    words = [*command.split(), "--config", str(folder / "clicks.toml"), "--out"]
    sets = [word for text in [*OVERRIDES, changed] for word in ("--set", text)]
    assert main([*words, str(folder / "run"), *sets]) == 1
    assert re.search(message, capsys.readouterr().err)
    assert content() == before


def test_data_that_has_changed_leaves_a_run_its_own(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "run", tmp_path / "run")
    shutil.copy(folder / "clicks.csv", tmp_path / "clicks.csv")
    known = RunFolder(folder / "run").configuration()
    moved = known.model_copy(
        update={
            "data": known.data.model_copy(update={"train": (str(tmp_path / "clicks.csv"),)}),
        }
    )
    RunFolder(tmp_path / "run").write_configuration(moved)
    with (tmp_path / "clicks.csv").open("a") as file:
        file.write("u1,i1,1,new\n")
    spec = (tmp_path / "run/data/feature_spec.json").read_bytes()
    for resume in (False, True):
        with pytest.raises(ValueError, match="begun on examples of other files"):
            train_run(moved, tmp_path / "run", resume=resume)
    assert (tmp_path / "run/data/feature_spec.json").read_bytes() == spec


@pytest.mark.long
def test_files_are_judged_as_the_part_that_they_hold(folder: Path) -> None:
    """What `evaluate` says of raw files is what it says of the prepared part of the same rows."""
    configuration = RunFolder(folder / "run").configuration()
    spec = RunFolder(folder / "run").spec()
    lines = ["user_id,item_id,clicked,tags"]
    for path in spec.files(folder / "run/data", "test"):
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            values = tf.train.Example.FromString(record).features.feature
            user, item = (
                values[name].bytes_list.value[0].decode() for name in ("user_id", "item_id")
            )
            tags = "|".join(tag.decode() for tag in values["tags"].bytes_list.value)
            lines.append(f"{user},{item},{int(values['clicked'].float_list.value[0])},{tags}")
    (folder / "test.csv").write_text("\n".join(lines) + "\n")
    part = evaluate_run(configuration, folder / "run", "test")
    files = evaluate_run(configuration, folder / "run", inputs=[str(folder / "test.csv")])
    for model in ("AFM", "popularity"):
        for metric in ("auc", "logloss", "grouped_auc"):
            expected = part[model][metric]["value"]
            assert files[model][metric]["value"] == pytest.approx(expected, abs=1e-6)


def test_predictions_of_new_rows_need_no_label_and_come_in_every_form(folder: Path) -> None:
    rows = [line.split(",") for line in log(30, seed=9)]
    lines = [f"{user},{item},{tags}" for user, item, _, tags in rows]
    (folder / "new.csv").write_text("\n".join(["user_id,item_id,tags", *lines]) + "\n")
    objects = [
        {"user_id": user, "item_id": item, "tags": tags.split("|") if tags else []}
        for user, item, _, tags in rows
    ]
    (folder / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in objects))
    configuration = RunFolder(folder / "run").configuration()
    for output, source in (("a.json", "new.csv"), ("a.csv", "new.jsonl"), ("a.parquet", "new.csv")):
        inputs = [str(folder / source)]
        assert predict_run(configuration, folder / "run", folder / output, inputs=inputs) == 30
    one = json.loads((folder / "a.json").read_text())
    with (folder / "a.csv").open() as file:
        two = list(csv.DictReader(file))
    three = pq.read_table(folder / "a.parquet").to_pylist()
    assert list(one[0]) == list(two[0]) == list(three[0]) == ["row", "user_id", "prediction"]
    assert [row["user_id"] for row in one] == [row[0] for row in rows]
    for other in (two, three):
        np.testing.assert_allclose(
            [float(row["prediction"]) for row in other],
            [row["prediction"] for row in one],
            rtol=1e-6,
        )


def test_predictions_of_a_part_have_its_labels(folder: Path) -> None:
    assert main(["predict", "--out", str(folder / "run"), "--split", "validation"]) == 0
    with (folder / "run/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    spec = RunFolder(folder / "run").spec()
    assert len(rows) == spec.parts["validation"].examples
    assert sum(float(row["clicked"]) for row in rows) == spec.parts["validation"].positives


def test_another_split_is_scored_by_the_graph_of_the_one_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder(folder / "run")
    model, traces = load_model(run.model), []
    real = type(model).call

    def counted(self: Any, *args: Any, **options: Any) -> Any:
        traces.append(1)
        return real(self, *args, **options)

    monkeypatch.setattr(type(model), "call", counted)
    counts = []
    for parts in (["test"], ["test", "test", "test"]):
        traces.clear()
        evaluate_splits(run.configuration(), model, run.spec(), run.data, parts)
        counts.append(len(traces))
    assert counts[0] == counts[1] > 0


def test_predictions_go_on_over_batches_and_miss_what_a_row_lacks(folder: Path) -> None:
    (folder / "few.csv").write_text("user_id,item_id,tags\nu1,i1,new\n,i2,\nu3,i3,red|new\n")
    configuration = RunFolder(folder / "run").configuration(["data.batch_size=1"])
    for name in ("few.jsonl", "few.parquet"):
        inputs = [str(folder / "few.csv")]
        assert predict_run(configuration, folder / "run", folder / name, inputs=inputs) == 3
    lines = [json.loads(line) for line in (folder / "few.jsonl").read_text().splitlines()]
    assert [line["row"] for line in lines] == [0, 1, 2]
    assert [line["user_id"] for line in lines] == ["u1", None, "u3"]
    assert pq.read_table(folder / "few.parquet").to_pylist() == lines


def test_bytes_that_are_no_utf8_are_predicted_and_written_with_replacement_characters(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`predict` used to end in a bare UnicodeDecodeError, without feature or row."""
    path = folder / "odd.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as file:
        for user in (b"u1", b"u\xff", "u\u00e9".encode()):
            values = {"user_id": [user], "item_id": [b"\xfe"], "tags": [b"new", b"\xff"]}
            feature = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=some))
                for name, some in values.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=feature))
            file.write(example.SerializeToString())
    words = ["predict", "--out", str(folder / "run"), "--input", str(path)]
    for name in ("odd.jsonl", "odd.csv", "odd.parquet"):
        assert main([*words, "--output", str(folder / name)]) == 0, capsys.readouterr().err
    users = ["u1", "u\ufffd", "u\u00e9"]
    lines = [json.loads(line) for line in (folder / "odd.jsonl").read_text("utf-8").splitlines()]
    assert [line["user_id"] for line in lines] == users
    with (folder / "odd.csv").open(encoding="utf-8") as file:
        assert [row["user_id"] for row in csv.DictReader(file)] == users
    assert pq.read_table(folder / "odd.parquet")["user_id"].to_pylist() == users


def test_bad_rows_of_files_are_counted_when_judging_and_never_skipped_when_predicting(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["u1,i1,1,new", "u2,i2,often,", "u3,i3,0,", "u4,i4,1,"]
    (folder / "bad.csv").write_text("\n".join(["user_id,item_id,clicked,tags", *rows]) + "\n")
    overrides = ["data.on_bad_row=skip", "data.max_bad_rows=0.3"]
    skipping = RunFolder(folder / "run").configuration(overrides)
    inputs = [str(folder / "bad.csv")]
    with pytest.warns(UserWarning, match=r"1 bad row was skipped: .*often.*bad\.csv, line 3"):
        evaluate_run(skipping, folder / "run", inputs=inputs)
    (folder / "short.csv").write_text("user_id,item_id,tags\nu1,i1,\nu2\nu3,i3,\n")
    short, output = str(folder / "short.csv"), str(folder / "p.csv")
    words = ["predict", "--out", str(folder / "run"), "--set", "data.on_bad_row=skip"]
    capsys.readouterr()
    assert main([*words, "--input", short, "--output", output]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "short.csv, line 3" in line
    assert "skip" not in line
    assert not (folder / "p.csv").exists()


@pytest.mark.long
def test_a_run_can_be_moved(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "run", tmp_path / "elsewhere")
    assert RunFolder(tmp_path / "elsewhere").data.resolve() == tmp_path / "elsewhere/data"
    options = [*OVERRIDES, "training.epochs=1"]
    configuration = load_configuration(folder / "clicks.toml", options)
    shared = folder / "run/data"
    train_run(configuration, folder / "sharing", data=shared)
    assert RunFolder(folder / "sharing").data.resolve() == shared.resolve()


def test_records_are_read_as_the_configuration_has_them(tmp_path: Path) -> None:
    (tmp_path / "new.tfrecord").touch()
    patterns = [str(tmp_path / "new.tfrecord")]
    for form in ("tfrecord", "sequence_example"):
        assert input_files(patterns, None, Data(format=form, train="a"))[1] == form
    assert input_files(patterns, "tfrecord", Data(format="sequence_example", train="a"))[1] == (
        "tfrecord"
    )


def test_the_evaluation_may_be_another_than_that_of_training(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--out", str(folder / "run"), "--set", "evaluation.metrics=['auc', 'mrr']"]
    assert main([*words, "--output", str(folder / "metrics.json")]) == 0
    assert list(json.loads((folder / "metrics.json").read_text())["AFM"]) == ["auc", "mrr"]
    assert capsys.readouterr().out.splitlines()[0].split() == ["auc", "mrr"]


@pytest.mark.parametrize(
    ("words", "folder_name", "message"),
    [
        (["evaluate", "--input", "none.csv"], "run", "`--input` must name files. Received: --inp"),
        (["predict", "--output", "a.txt"], "run", "`--output` must end in .jsonl, .json, .cs"),
        (["predict"], "clicks.csv", "`--out` must be a folder. Received: --out"),
        (["predict"], "", "`--out` must be the folder of a run. Received: --out"),
        (["evaluate", "--set", "data.group=age"], "run", "`evaluation` must name features that"),
    ],
)
def test_what_cannot_be_done_is_told(
    folder: Path,
    words: list[str],
    folder_name: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*words, "--out", str(folder / folder_name)]) == 1
    assert f"error: {message}" in capsys.readouterr().err


@pytest.mark.long
def test_a_run_goes_on_with_more_epochs(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    few = load_configuration(folder / "clicks.toml", [*OVERRIDES, "training.epochs=1"])
    more = load_configuration(folder / "clicks.toml", [*OVERRIDES, "training.epochs=3"])
    train_run(few, out)
    (out / "run.json").unlink()  # as if it had been killed
    with pytest.raises(ValueError, match=r"a run that was stopped\. Go on with it by --resume"):
        train_run(more, out)
    metrics = train_run(more, out, resume=True)
    assert metrics == json.loads((folder / "trained.json").read_text())


@pytest.mark.long
def test_an_export_is_published_and_a_baseline_is_not(folder: Path) -> None:
    configuration = RunFolder(folder / "run").configuration(
        ["export.candidate_features=['item_id']"]
    )
    base_path = export_run(configuration, folder / "run", str(folder / "models/clicks"))
    assert os.listdir(base_path) == ["1"]
    assert (Path(base_path) / "1/saved_model.pb").is_file()
    with pytest.raises(ValueError, match=r"`model\.kind` must be AFM or DeepFM to export"):
        export_run(
            RunFolder(folder / "run").configuration(["model.kind=logistic_regression"]),
            folder / "run",
        )
    bad = RunFolder(folder / "run").configuration(["export.candidate_features=['nope']"])
    with pytest.raises(RuntimeError, match=r"`python -m serving export` must succeed.*nope"):
        export_run(bad, folder / "run", str(folder / "models/bad"))
    assert not (folder / "models/bad").exists() or os.listdir(folder / "models/bad") == []


def test_a_run_begins_with_the_rows_of_an_earlier_one(folder: Path, tmp_path: Path) -> None:
    lines = [*log(100, seed=5), "u1,i1,1,green"]  # a tag that the earlier run has not seen
    write_clicks(tmp_path, lines)
    options = [*OVERRIDES, "training.epochs=1", "training.optimizer.learning_rate=1e-9"]
    configuration = load_configuration(tmp_path / "clicks.toml", options)
    configuration = configuration.model_copy(
        update={"data": configuration.data.model_copy(update={"split": None})}
    )
    train_run(configuration, tmp_path / "run", warm_start=folder / "run")
    report = (tmp_path / "run/carried_over.txt").read_text()
    assert "tags" in report
    before, after = (
        tf.keras.models.load_model(path / "run/model.keras", compile=False)
        for path in (folder, tmp_path)
    )
    known = {"user_id": ["u3", "u4"], "item_id": ["i3", "i9"], "tags": [["sale"], ["new"]]}
    features = {name: tf.constant(values) for name, values in known.items()}
    np.testing.assert_allclose(after(features), before(features), atol=1e-5)


def test_a_run_that_has_not_ended_starts_no_other(folder: Path, tmp_path: Path) -> None:
    configuration = load_configuration(folder / "clicks.toml", OVERRIDES)
    with pytest.raises(ValueError, match=r"`--warm-start` must be the folder of a run that has"):
        train_run(configuration, tmp_path / "run", warm_start=tmp_path / "none")
    assert not (tmp_path / "run").exists()
    both = load_configuration(folder / "clicks.toml", [*OVERRIDES, "training.pretraining.epochs=1"])
    with pytest.raises(ValueError, match=r"`training.pretraining` must be left out with"):
        train_run(both, tmp_path / "run", warm_start=folder / "run")


@pytest.mark.long
def test_negatives_are_made_up_from_the_items_of_the_training_part(
    folder: Path, tmp_path: Path
) -> None:
    options = [
        *OVERRIDES,
        "training.epochs=1",
        'training.negatives={item="item_id", item_features=["tags"], group="user_id"}',
    ]
    configuration = load_configuration(folder / "clicks.toml", options)
    train_run(configuration, tmp_path / "run", data=folder / "run/data")
    (line,) = (tmp_path / "run/history.jsonl").read_text().splitlines()
    (plain, *_) = (folder / "run/history.jsonl").read_text().splitlines()
    assert json.loads(line)["loss"] != json.loads(plain)["loss"]
