import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from pipelines.configuration.load_configuration import load_configuration
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.preparation.prepare import Origin, prepare
from pipelines.preparation.row_rules import RowRules
from tests.pipelines.clicks import log, write_clicks


def prepared(folder: Path, *overrides: str, lines: list[str] | None = None) -> FeatureSpec:
    configuration = load_configuration(write_clicks(folder, lines), overrides)
    return prepare(configuration, folder / "run" / "data")


def rows_of(spec: FeatureSpec, folder: Path, part: str) -> list[dict[str, list[Any]]]:
    """The rows of a part in the order in which they were dealt out."""
    shards = [
        [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(path))]
        for path in spec.files(folder / "run" / "data", part)
    ]
    count = sum(map(len, shards))
    examples = [shards[n % len(shards)][n // len(shards)] for n in range(count)]
    return [
        {
            name: list(getattr(feature, feature.WhichOneof("kind")).value)
            for name, feature in example.features.feature.items()
        }
        for example in examples
    ]


def test_every_row_is_in_one_part_and_as_it_was(tmp_path: Path) -> None:
    spec = prepared(tmp_path)
    found = []
    for part, described in spec.parts.items():
        rows = rows_of(spec, tmp_path, part)
        assert len(rows) == described.examples
        assert sum(int(row["clicked"][0]) for row in rows) == described.positives
        for row in rows:
            user, item = row["user_id"][0].decode(), row["item_id"][0].decode()
            tags = "|".join(tag.decode() for tag in row.get("tags", []))
            found.append(f"{user},{item},{int(row['clicked'][0])},{tags}")
    assert Counter(found) == Counter(log())
    assert list(spec.parts) == ["train", "validation", "test"]
    assert spec.parts["train"].examples == pytest.approx(240, abs=40)


def test_what_is_fitted_sees_the_training_part_only(tmp_path: Path) -> None:
    lines = [f"u1,i1,{n % 2},known" for n in range(6)] + ["u1,i2,1,valid", "u1,i3,1,tested"]
    split = ["data.split={by='group'}", "data.shards=1"]
    spec = prepared(tmp_path, *split, lines=lines)
    assert spec.fitted == {"vocabulary(tags)": ["known"]}
    assert [row["tags"] for row in rows_of(spec, tmp_path, "test")] == [[b"tested"]]


def test_the_same_again_is_kept_and_another_setting_or_file_replaces_it(tmp_path: Path) -> None:
    first = prepared(tmp_path)
    inode = os.stat(tmp_path / "run/data").st_ino
    assert prepared(tmp_path, "data.batch_size=7", "model.kind=DeepFM") == first
    assert os.stat(tmp_path / "run/data").st_ino == inode
    other = prepared(tmp_path, "data.split.seed=2")
    assert other.key != first.key
    assert prepared(tmp_path, lines=log()[:-1]).key not in (first.key, other.key)
    assert os.listdir(tmp_path / "run") == ["data"]


def test_parts_may_be_files_of_their_own(tmp_path: Path) -> None:
    path = write_clicks(tmp_path)
    for part in ("a", "b"):
        (tmp_path / f"{part}.csv").write_text(f"user_id,item_id,clicked,tags\nu,{part},1,\n")
    text = path.read_text().replace(
        'split = {by = "random", fractions = [0.6, 0.2, 0.2], seed = 1}', ""
    )
    path.write_text(text)
    overrides = [f"data.validation={tmp_path}/a.csv", f"data.test={tmp_path}/b.csv"]
    spec = prepare(load_configuration(path, overrides), tmp_path / "run" / "data")
    assert [part.examples for part in spec.parts.values()] == [400, 1, 1]
    assert rows_of(spec, tmp_path, "test")[0]["item_id"] == [b"b"]
    # A part with fewer rows than shards: an empty file could not be read.
    assert [len(part.files) for part in spec.parts.values()] == [4, 1, 1]
    written = {path.name for path in (tmp_path / "run/data").glob("*.tfrecord")}
    assert written == {name for part in spec.parts.values() for name in part.files}


def test_labels_may_be_made_of_ratings(tmp_path: Path) -> None:
    lines = [f"u{n},i,{n % 5 + 1},x" for n in range(50)]
    spec = prepared(tmp_path, "data.positive_from=4", lines=lines)
    assert sum(part.positives or 0 for part in spec.parts.values()) == 20


@pytest.mark.parametrize(
    ("line", "overrides", "message"),
    [
        ("u,i,2,", [], r"`clicked` must be in \[0, 1\] for loss=binary_crossentropy. Received: "
         r"clicked=2\.0 in .*clicks\.csv, line 3\."),
        ("u,i,,", [], r"`clicked` must be a number. Received: clicked=None in .*, line 3\."),
        ("u,i,no,", [], r"`clicked` must be a finite number .*clicked='no' in .*, line 3\."),
        ("u,i,1", [], r".* in .*clicks\.csv, line 3\."),
        ("u,x,1,", ["columns[1]={kind='numeric_column', key='item_id'}"],
         r"`item_id` must be a finite number .* line 3\."),
        ("u,,1,", ["columns[1]={kind='numeric_column', key='item_id', dtype='int64'}"],
         r"`item_id` must have a value, as its column has no default_value\. .* line 3\."),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_by_file_and_line_and_leaves_nothing(
    tmp_path: Path, line: str, overrides: list[str], message: str
) -> None:
    lines = ["u,7,1,", line, "u,8,0,"]
    with pytest.raises(ValueError, match=message):
        prepared(tmp_path, *overrides, lines=lines)
    assert not (tmp_path / "run").exists() or os.listdir(tmp_path / "run") == []


def test_the_rows_of_files_are_counted_beforehand(tmp_path: Path) -> None:
    configuration = load_configuration(write_clicks(tmp_path))
    assert Origin(configuration, RowRules(configuration)).count() == 400


def test_bad_rows_may_be_skipped_and_are_told(tmp_path: Path) -> None:
    lines = [*log(100), "u,i,7,", "u,i", *log(100, seed=3)]
    told = r"2 bad rows were skipped\. The first: .*line 102.*line 103"
    with pytest.warns(UserWarning, match=told):
        spec = prepared(tmp_path, "data.on_bad_row=skip", lines=lines)
    assert sum(part.examples for part in spec.parts.values()) == 200


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.train=none*.csv"], r"`data\.train` must name files\. Received: .*none\*\.csv"),
        (["data.label=bought"], r"must have a column 'bought'\. Received: user_id, item_id"),
        (["data.label=item_id"], r"`data\.label` must not be read by a column"),
        (["data.group=session"], r"must have a column 'session'"),
        (["data.split={by='time', column='tags'}"], r"`tags`"),
        (["data.split={by='column', column='user_id'}"], r"`user_id` must be one of train, valid"),
        (["data.split.fractions=[0.999999, 0.000001, 0]"], r"must give rows to the split validat"),
    ],
)
def test_what_the_data_lacks_is_told(tmp_path: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prepared(tmp_path, *overrides)
    assert not (tmp_path / "run").exists() or os.listdir(tmp_path / "run") == []


def test_an_empty_file_is_told(tmp_path: Path) -> None:
    path = write_clicks(tmp_path)
    (tmp_path / "clicks.csv").write_text("")
    with pytest.raises(ValueError, match=r"clicks\.csv` must .* Received: an empty file"):
        prepare(load_configuration(path), tmp_path / "run" / "data")


def test_a_full_disk_is_told_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(tf.io.TFRecordWriter):  # type: ignore[misc]
        def write(self, record: bytes) -> None:
            raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tf.io, "TFRecordWriter", Full)
    with pytest.raises(OSError, match=r"must have room for the examples.*No space left"):
        prepared(tmp_path)
    assert os.listdir(tmp_path / "run") == []


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run/data").mkdir(parents=True)
    (tmp_path / "run/data/thesis.txt").write_text("mine")
    with pytest.raises(ValueError, match="must be a folder of prepared examples"):
        prepared(tmp_path)
    assert (tmp_path / "run/data/thesis.txt").read_text() == "mine"


def test_what_is_read_in_another_way_is_not_what_was_prepared(tmp_path: Path) -> None:
    key = prepared(tmp_path).key
    assert prepared(tmp_path, 'data.encoding="utf-8"', "data.quoting=true").key == key  # as it is
    others = {prepared(tmp_path, f"data.{one}").key for one in ("quoting=false", 'comment="#"')}
    assert len({key, *others}) == 3
