import bz2
import dataclasses
import gzip
import json
import lzma
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from pipelines.events.prepare_in_memory import Prepared, prepare_in_memory
from pipelines.events.prepare_with_beam import prepare_with_beam
from pipelines.events.settings import EventSettings
from pipelines.preparation.feature_spec import FeatureSpec
from tests.pipelines.events import logs, oracle

ONE_PROCESS = ["--runner=FnApiRunner"]
PARTS = ("train", "validation", "test")
# A pipeline takes seconds to start, so what is seldom broken is left to CI.
ENGINES = ["memory", pytest.param("beam", marks=pytest.mark.long)]


def prepare(engine: str, settings: EventSettings, out: Path) -> Prepared:
    if engine == "memory":
        return prepare_in_memory(settings, out)
    return prepare_with_beam(settings, out, ONE_PROCESS)


@pytest.mark.matrix
@pytest.mark.parametrize("engine", ["memory", "beam"])
def test_both_engines_write_what_the_oracle_says(engine: str, tmp_path: Path) -> None:
    rows = logs.log(300)
    logs.write_csv(tmp_path / "a.csv", rows[:170])
    logs.write_csv(tmp_path / "b.csv", rows[170:])
    made = prepare(engine, logs.settings(f"{tmp_path}/*.csv"), tmp_path / "out")

    kept = oracle.robots_cut(rows, 30)
    begin = oracle.starts(kept, [0.8, 0.1, 0.1])
    train = [row for row in kept if row["at"] < begin[0]]
    for number, part in enumerate(PARTS):
        expected = [
            logs.as_float32(oracle.example(row, kept, 4))
            for row in kept
            if sum(row["at"] >= start for start in begin) == number
        ]
        assert logs.multiset(logs.read(tmp_path / "out", part)) == logs.multiset(expected)
        counted = made.spec.parts[part]
        assert counted.examples == len(expected)
        assert counted.positives == sum(row["label"] for row in expected)
    assert len(kept) < len(rows)
    robots = {row["user"] for row in rows if row not in kept}
    assert (made.rows, made.capped_users, made.capped_events) == (300, len(robots), 300 - len(kept))
    assert made.users == 6
    assert made.spec.parts["validation"].first_time == begin[0]
    spec = FeatureSpec.read(tmp_path / "out")
    tags = [tag for row in train for tag in row["tags"]]
    assert spec.fitted == made.spec.fitted
    assert spec.fitted == {
        "num_ids(user)": max(row["user"] for row in train) + 1,
        "vocabulary(film, min_count=2)": oracle.vocabulary([row["film"] for row in train], 2),
        "quantile(price, size=5)": oracle.bounds([row["price"] for row in train], 5),
        "vocabulary(tags)": oracle.vocabulary(tags, 1),
    }
    assert spec.values_of == {"history": "film"}
    assert not any(made.rank_errors.values())


def same(a: Prepared, b: Prepared, tmp_path: Path) -> None:
    assert a.spec.features == b.spec.features
    assert a.spec.fitted == b.spec.fitted
    assert a.spec.parts == b.spec.parts
    assert {**a.spec.settings, "format": ""} == {**b.spec.settings, "format": ""}
    for field in dataclasses.fields(a):
        if field.name not in ("spec", "rank_errors"):
            assert getattr(a, field.name) == getattr(b, field.name), field.name
    for part in PARTS:
        assert logs.read(tmp_path / "memory", part) == logs.read(tmp_path / "beam", part)


@pytest.mark.long
def test_both_engines_draw_the_same_negatives_which_are_never_the_users_own(tmp_path: Path) -> None:
    rows = logs.log(200, seed=3)
    logs.write_jsonl(tmp_path / "log.jsonl", rows)
    settings = logs.settings(f"{tmp_path}/log.jsonl", format="jsonl", negatives=3)
    made = [prepare(engine, settings, tmp_path / engine) for engine in ("memory", "beam")]
    same(*made, tmp_path)
    kept = oracle.robots_cut(rows, 30)
    train = [row for row in kept if row["at"] < made[0].spec.parts["validation"].first_time]
    first_prices: dict[str, float] = {}
    for row in sorted(train, key=lambda row: (row["at"], row["film"], oracle.content(row))):
        first_prices.setdefault(row["film"], row["price"])
    liked = {(row["user"], row["film"]) for row in kept if row["stars"] >= 4}
    drawn = 0
    originals = [
        json.dumps(logs.as_float32(oracle.example(row, kept, 4)), sort_keys=True) for row in kept
    ]
    for part in PARTS:
        extra = logs.multiset(logs.read(tmp_path / "beam", part))
        extra.subtract(text for text in originals if text in extra)
        for text, count in extra.items():
            if count:
                row = json.loads(text)
                drawn += count
                assert row["label"] == 0
                assert (row["user"], row["film"]) not in liked
                assert row["price"] == first_prices[row["film"]]
    positives = [row for row in kept if row["stars"] >= 4]
    left = [
        len(set(first_prices) - {film for user, film in liked if user == row["user"]})
        for row in positives
    ]
    assert drawn == sum(min(3, count) for count in left)
    assert drawn > len(positives)


def write_examples(path: Path, rows: list[dict[str, Any]]) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for row in rows:
            example = tf.train.Example()
            feature = example.features.feature
            for name in ("user", "at"):
                feature[name].int64_list.value.append(row[name])
            for name in ("stars", "price"):
                feature[name].float_list.value.append(row[name])
            feature["film"].bytes_list.value.append(row["film"].encode())
            feature["tags"].bytes_list.value.extend(tag.encode() for tag in row["tags"])
            writer.write(example.SerializeToString())


@pytest.mark.long
@pytest.mark.parametrize("form", ["tfrecord", "parquet"])
def test_the_form_of_the_files_changes_nothing(form: str, tmp_path: Path) -> None:
    rows = logs.log(120, seed=1)
    logs.write_csv(tmp_path / "log.csv", rows)
    if form == "tfrecord":
        write_examples(tmp_path / "log.tfrecord", rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "log.parquet")
    memory = prepare("memory", logs.settings(f"{tmp_path}/log.csv"), tmp_path / "memory")
    settings = logs.settings(f"{tmp_path}/log.{form}", format=form)
    made = prepare("beam", settings, tmp_path / "beam")
    memory.spec.settings["lists"] = made.spec.settings["lists"]  # of CSV only
    same(memory, made, tmp_path)


@pytest.mark.long
def test_with_too_many_values_to_count_the_split_and_bounds_are_as_near_as_is_said(
    tmp_path: Path,
) -> None:
    rows = [{**row, "at": 7 * number} for number, row in enumerate(logs.log(200))]
    logs.write_csv(tmp_path / "log.csv", rows)
    settings = logs.settings(f"{tmp_path}/log.csv", max_events=1000)
    made = prepare_with_beam(settings, tmp_path / "out", ONE_PROCESS, exact_values=100)
    errors = made.rank_errors
    assert 0 < errors["time"] < 20
    assert errors["price"] == 0
    train, validation, test = (made.spec.parts[part].examples for part in PARTS)
    assert abs(train - 160) <= errors["time"]
    assert abs(train + validation - 180) <= errors["time"]
    assert train + validation + test == 200
    assert made.spec.parts["validation"].first_time == 7 * train


@pytest.mark.long
def test_several_processes_write_the_same_as_one(tmp_path: Path) -> None:
    logs.write_csv(tmp_path / "log.csv", logs.log(300, seed=2))
    settings = logs.settings(f"{tmp_path}/log.csv", negatives=2)
    memory = prepare("memory", settings, tmp_path / "memory")
    same(memory, prepare_with_beam(settings, tmp_path / "beam"), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("engine", ["memory", "beam"])
def test_bad_rows_are_counted_and_named_or_end_the_run(engine: str, tmp_path: Path) -> None:
    rows = logs.log(80)
    logs.write_csv(tmp_path / "log.csv", rows)
    lines = (tmp_path / "log.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    lines[5] = "7,film,soon,5,1.0,\n"
    lines[9] = "7,film\n"
    lines[20] = "-7,film,0,5,1.0,\n"
    (tmp_path / "log.csv").write_text("".join(lines), encoding="utf-8")
    skipping = {"on_bad_row": "skip", "max_bad_rows": 0.05}
    made = prepare(engine, logs.settings(f"{tmp_path}/log.csv", **skipping), tmp_path / "out")
    assert (made.rows, made.bad_rows) == (77, 3)
    assert made.bad_places == (
        "`at` must be a number, or a time of ISO 8601 from 1678 to 2261. "
        f"Received: at='soon' in {tmp_path}/log.csv, line 6.",
        f"A row must have 6 cells. Received: 2 cells in {tmp_path}/log.csv, line 10.",
        f"`user` must be an id from 0 on. Received: user=-7 in {tmp_path}/log.csv, line 21.",
    )
    counters = json.loads((tmp_path / "out" / "counters.json").read_text(encoding="utf-8"))
    assert counters["bad_rows"] == 3
    few = logs.settings(f"{tmp_path}/log.csv", on_bad_row="skip")
    with pytest.raises(ValueError, match=r"`max_bad_rows` must .* and 3 bad rows of 80"):
        prepare(engine, few, tmp_path / "new")
    with pytest.raises(ValueError, match=r"`at` must be .* line 6\. Correct it, or skip such rows"):
        prepare(engine, logs.settings(f"{tmp_path}/log.csv"), tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "out"]


@pytest.mark.parametrize("engine", ["memory", "beam"])
def test_a_file_that_is_cut_off_is_an_error_and_not_half_of_the_log(
    engine: str, tmp_path: Path
) -> None:
    """Beam's own decompression takes such a file for a whole one."""
    logs.write_csv(tmp_path / "log.csv", logs.log(2000))
    whole = gzip.compress((tmp_path / "log.csv").read_bytes())
    (tmp_path / "log.csv").unlink()
    (tmp_path / "log.csv.gz").write_bytes(whole[: len(whole) // 2])
    settings = logs.settings(f"{tmp_path}/log.csv.gz")
    with pytest.raises(ValueError, match=r"log.csv.gz` must be a whole file\."):
        prepare(engine, settings, tmp_path / "out")
    (tmp_path / "log.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match=r"log.csv.gz` must be compressed as its name says\."):
        prepare(engine, settings, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv.gz"]


@pytest.mark.parametrize("engine", ENGINES)
def test_cut_off_records_are_an_error(engine: str, tmp_path: Path) -> None:
    write_examples(tmp_path / "log.tfrecord", logs.log(20))
    whole = (tmp_path / "log.tfrecord").read_bytes()
    (tmp_path / "log.tfrecord").write_bytes(whole[:-30])
    settings = logs.settings(f"{tmp_path}/log.tfrecord", format="tfrecord")
    with pytest.raises((ValueError, RuntimeError), match=r"Not a valid TFRecord|whole TFRecord"):
        prepare(engine, settings, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["log.tfrecord"]


@pytest.mark.parametrize("engine", ["memory", "beam"])
def test_what_cannot_be_prepared_says_why_and_leaves_nothing(engine: str, tmp_path: Path) -> None:
    logs.write_csv(tmp_path / "log.csv", [{**row, "at": 5} for row in logs.log(20)])
    with pytest.raises(ValueError, match="must differ enough for 3 splits with events in each"):
        prepare(engine, logs.settings(f"{tmp_path}/log.csv"), tmp_path / "out")
    with pytest.raises(ValueError, match=r"`files` must name files\. Received: files=.*none.csv"):
        prepare(engine, logs.settings(f"{tmp_path}/none.csv"), tmp_path / "out")
    (tmp_path / "other.csv").write_text("user,film,when,stars,price,tags\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"must have a column 'at'"):
        prepare(engine, logs.settings(f"{tmp_path}/other.csv"), tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("!", encoding="utf-8")
    with pytest.raises(ValueError, match="must be a folder of prepared examples"):
        prepare(engine, logs.settings(f"{tmp_path}/log.csv"), tmp_path / "mine")
    names = ["log.csv", "mine", "other.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_or_ctrl_c_leaves_the_examples_that_were_there(
    engine: str, problem: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs.write_csv(tmp_path / "log.csv", logs.log(30))
    settings = logs.settings(f"{tmp_path}/log.csv")
    prepare("memory", settings, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    def fail(self: Prepared, folder: Path) -> None:
        assert any(folder.iterdir())
        raise problem

    monkeypatch.setattr(Prepared, "write", fail)
    with pytest.raises(type(problem)):
        prepare(engine, settings, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "out"]


@pytest.mark.long
def test_on_beam_all_files_begin_with_the_same_columns(tmp_path: Path) -> None:
    """Who reads the middle of a file sees no header: the first file's must hold for all."""
    logs.write_csv(tmp_path / "a.csv", logs.log(30))
    (tmp_path / "b.csv").write_text("film,user,at,stars,price,tags\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"b.csv` must begin with the columns of the first file"):
        prepare("beam", logs.settings(f"{tmp_path}/*.csv", on_bad_row="skip"), tmp_path / "out")


def test_without_beam_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam.io.filesystems", None)
    with pytest.raises(ImportError, match=r"pip install 'tfrs-afm\[beam\]'"):
        prepare("beam", logs.settings("log.csv"), tmp_path / "out")


@pytest.mark.long
def test_an_error_in_another_process_is_told_here_and_leaves_nothing(tmp_path: Path) -> None:
    logs.write_csv(tmp_path / "log.csv", logs.log(50))
    with (tmp_path / "log.csv").open("a", encoding="utf-8") as file:
        file.write("7,film,soon,5,1.0,\n")
    with pytest.raises(ValueError, match=r"^`at` must be a number, .* line 52\. Correct it"):
        prepare_with_beam(logs.settings(f"{tmp_path}/log.csv"), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


@pytest.mark.parametrize(
    ("names", "given"),
    [
        (["log.csv.GZ"], ["log.csv.GZ"]),
        (["log.csv.lzma"], ["log.csv.lzma"]),
        (["log.csv.BZ2"], ["*.csv.BZ2"]),
        (["log[1].csv"], ["log[1].csv"]),
        (["log.csv"], ["log.csv", "log.csv"]),
        (["a.csv", "b.csv"], ["a.csv", "*.csv"]),
        (["deep/er/log.csv"], ["**/*.csv"]),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_files_are_found_and_opened_alike(
    engine: str, names: list[str], given: list[str], tmp_path: Path
) -> None:
    openers = {".gz": gzip.open, ".lzma": lzma.open, ".bz2": bz2.open}
    rows = logs.log(120)
    for number, name in enumerate(names):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = logs.HEADER + "".join(map(logs.csv_line, rows[number :: len(names)]))
        with openers.get(path.suffix.lower(), open)(path, "wb") as file:
            file.write(text.encode())
    settings = logs.settings([str(tmp_path / pattern) for pattern in given], max_events=1000)
    assert prepare(engine, settings, tmp_path / "out").rows == 120


@pytest.mark.parametrize("engine", ENGINES)
def test_a_compression_that_is_not_read_is_told(engine: str, tmp_path: Path) -> None:
    (tmp_path / "log.csv.zst").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"must be compressed as .gz, .bz2, .xz or .lzma, if"):
        prepare(engine, logs.settings(f"{tmp_path}/log.csv.zst"), tmp_path / "out")
