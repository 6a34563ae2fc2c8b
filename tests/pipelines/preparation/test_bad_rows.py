"""What is advised on a row that cannot be used: never what would destroy data."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from pipelines.configuration.load_configuration import load_configuration
from pipelines.preparation.feature_spec import FeatureSpec, parse_spec
from pipelines.preparation.prepare import prepare
from pipelines.readers.bad_rows import BadRows
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.formats import FormatOptions
from tests.pipelines.clicks import log, write_clicks

SKIP = "skip such rows"
CONFIGURATION = """\
[data]
format = "{form}"
train = "rows.{form}"
split = {{by = "random", fractions = [0.6, 0.2, 0.2], seed = 1}}
label = "clicked"
{weight}

[[columns]]
kind = "categorical_column_with_identity"
key = "user"
num_buckets = 50

[[columns]]
kind = "numeric_column"
key = "age"
"""
FORMS = ["csv", "jsonl", "parquet"]


def rows(count: int = 40, **changed: Any) -> list[dict[str, Any]]:
    made = [{"user": n % 50, "age": 20.0 + n % 7, "clicked": n % 3 % 2} for n in range(count)]
    for name, values in changed.items():
        for row, value in zip(made, values, strict=False):
            row[name] = value
    return made


def write(path: Path, form: str, some: list[dict[str, Any]]) -> None:
    names = list(some[0])
    if form == "csv":
        cells = [["" if row[name] is None else str(row[name]) for name in names] for row in some]
        path.write_text("\n".join(map(",".join, [names, *cells])) + "\n")
    elif form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in some))
    elif form == "parquet":
        table = {name: [row[name] for row in some] for name in names}
        pq.write_table(pa.table(table), path)
    else:
        with tf.io.TFRecordWriter(str(path)) as file:
            for row in some:
                features = {
                    name: tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
                    if isinstance(value, int)
                    else tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
                    for name, value in row.items()
                }
                example = tf.train.Example(features=tf.train.Features(feature=features))
                file.write(example.SerializeToString())


def prepared(folder: Path, form: str, some: list[dict[str, Any]], *overrides: str) -> FeatureSpec:
    write(folder / f"rows.{form}", form, some)
    weight = 'weight = "weight"' if "weight" in some[0] else ""
    (folder / "rows.toml").write_text(CONFIGURATION.format(form=form, weight=weight))
    configuration = load_configuration(folder / "rows.toml", overrides)
    return prepare(configuration, folder / "run" / "data")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("low", [-1, 2])
def test_labels_that_are_not_0_or_1_name_positive_from(low: int, form: str, tmp_path: Path) -> None:
    """Obeyed, "skip such rows" left 20 examples, 100% positive."""
    some = rows(clicked=[(low, 1)[n % 2] for n in range(40)])
    with pytest.raises(ValueError, match=r"`clicked` must be in \[0, 1\].*positive_from") as error:
        prepared(tmp_path, form, some)
    assert SKIP not in str(error.value)
    with pytest.raises(ValueError, match=r"20 bad rows of 40 \(50%\).*positive_from"):
        prepared(tmp_path, form, some, "data.on_bad_row=skip")
    assert not (tmp_path / "run" / "data").exists()
    spec = prepared(tmp_path, form, some, f"data.positive_from={max(low, 1)}")
    assert sum(part.examples for part in spec.parts.values()) == 40
    assert sum(part.positives or 0 for part in spec.parts.values()) == 20


@pytest.mark.parametrize("cell", ["NaN", "NA", "null", "?", "N/A", "-"])
def test_cells_that_mean_nothing_name_missing(cell: str, tmp_path: Path) -> None:
    some = rows(age=[cell, 30.0, cell])
    with pytest.raises(ValueError, match=r"missing = \[\"\", ") as error:
        prepared(tmp_path, "csv", some)
    assert SKIP not in str(error.value)
    assert f'missing = ["", "{cell}"]' in str(error.value)
    column = "columns[1]={kind='numeric_column', key='age', default_value=30.0}"
    spec = prepared(tmp_path, "csv", some, f"data.missing=['', '{cell}']", column)
    assert sum(part.examples for part in spec.parts.values()) == 40


def test_nan_in_json_asks_for_null(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Where there is no value, write null: .*NaN") as error:
        prepared(tmp_path, "jsonl", rows(age=[float("nan")]))
    assert SKIP not in str(error.value)


@pytest.mark.parametrize(("kind", "missing"), [("parquet", math.nan), ("jsonl", None), ("csv", "")])
@pytest.mark.parametrize("default", [30.0, None])
def test_a_missing_number_is_the_default_or_nan(
    tmp_path: Path, kind: str, missing: Any, default: float | None
) -> None:
    column = "columns[1]={kind='numeric_column', key='age'}"
    if default is not None:
        column = column.replace("}", f", default_value={default}}}")
    spec = prepared(tmp_path, kind, rows(age=[missing, 20.0]), column)
    assert sum(part.examples for part in spec.parts.values()) == 40
    read = FeatureSpec.read(tmp_path / "run/data")
    assert read.features == spec.features
    files = [str(path) for part in read.parts for path in read.files(tmp_path / "run/data", part)]
    records = list(tf.data.TFRecordDataset(files))
    ages = tf.io.parse_example(records, parse_spec(read.features.values()))["age"].numpy()
    expected = [math.nan if default is None else default, *(row["age"] for row in rows()[1:])]
    np.testing.assert_array_equal(
        np.sort(ages), np.sort(np.float32([*expected[:1], 20.0, *expected[2:]]))
    )


def test_a_missing_whole_number_without_default_is_a_bad_row(tmp_path: Path) -> None:
    column = "columns[1]={kind='numeric_column', key='age', dtype='int64'}"
    with pytest.raises(ValueError, match=r"`age` must have a value, as its column has no default"):
        prepared(tmp_path, "jsonl", rows(age=[None, 30]), column)


@pytest.mark.parametrize("skip", [True, False])
def test_a_parquet_column_of_another_type_names_dtype(*, skip: bool, tmp_path: Path) -> None:
    some = rows(age=[f"{n}" for n in range(40)])
    overrides = ["data.on_bad_row=skip", "data.max_bad_rows=1"] if skip else []
    with pytest.raises(ValueError, match=r"`age` must be float32 .* string .*dtype") as error:
        prepared(tmp_path, "parquet", some, *overrides)
    assert SKIP not in str(error.value)


def test_text_for_a_number_in_json_names_dtype_beside_the_row(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"set the dtype of its column") as error:
        prepared(tmp_path, "jsonl", rows(age=["30"]))
    assert SKIP in str(error.value)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_row_that_is_at_fault_may_be_skipped(form: str, tmp_path: Path) -> None:
    some = rows(200, user=["seven"])
    with pytest.raises(ValueError, match=SKIP):
        prepared(tmp_path, form, some)
    with pytest.warns(UserWarning, match=r"^1 bad row was skipped: .*seven"):
        spec = prepared(tmp_path, form, some, "data.on_bad_row=skip")
    assert sum(part.examples for part in spec.parts.values()) == 199


@pytest.mark.parametrize(("bad", "most", "kept"), [(2, 0.01, True), (3, 0.01, False), (3, 1, True)])
def test_more_than_a_share_of_bad_rows_is_an_error(
    *, bad: int, most: float, kept: bool, tmp_path: Path
) -> None:
    some = rows(200, user=["seven"] * bad)
    overrides = ["data.on_bad_row=skip", f"data.max_bad_rows={most}"]
    if kept:
        with pytest.warns(UserWarning, match=rf"^{bad} bad rows were skipped"):
            prepared(tmp_path, "csv", some, *overrides)
        return
    told = r"`max_bad_rows` must .* max_bad_rows=0\.01 and 3 bad rows of 200 \(1\.5%\).*seven"
    with pytest.raises(ValueError, match=told):
        prepared(tmp_path, "csv", some, *overrides)
    assert not (tmp_path / "run" / "data").exists()


def test_the_share_does_not_decide_what_the_examples_are(tmp_path: Path) -> None:
    first = prepared(tmp_path, "csv", rows())
    assert prepared(tmp_path, "csv", rows(), "data.max_bad_rows=0.5").key == first.key


@pytest.mark.matrix
@pytest.mark.parametrize("on_bad_row", ["error", "skip"])
@pytest.mark.parametrize("form", [*FORMS, "tfrecord"])
def test_labels_of_files_to_evaluate_name_positive_from(
    form: str, on_bad_row: str, tmp_path: Path
) -> None:
    path = tmp_path / f"rows.{form}"
    write(path, form, rows(clicked=[(-1, 1)[n % 2] for n in range(40)]))
    options = BatchOptions("clicked", label_range=(0.0, 1.0), batch_size=40)
    bad_rows = BadRows(on_bad_row)
    spec = {"user": tf.io.FixedLenFeature([], tf.int64)}
    batches = Batches([path], FormatOptions(form), spec, options, bad_rows)(0, 0)
    if on_bad_row == "error":
        with pytest.raises(tf.errors.InvalidArgumentError, match="positive_from") as error:
            list(batches)
        assert SKIP not in str(error.value)
        return
    good = sum(len(labels) for _, labels in batches)
    assert (bad_rows.count, good) == (20, 20)
    with pytest.raises(ValueError, match=r"20 bad rows of 40 \(50%\).*positive_from"):
        bad_rows.require_few(good)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_where_rows_are_never_skipped_none_is_told_to_be(form: str, tmp_path: Path) -> None:
    """As for `predict`, whose predictions are numbered as the rows are."""
    path = tmp_path / "rows"
    write(path, form, rows(user=["seven"]))
    spec = {"user": tf.io.FixedLenFeature([], tf.int64)}
    bad_rows = BadRows(may_skip=False)
    batches = Batches([path], FormatOptions(form), spec, BatchOptions(None), bad_rows)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"Correct it\.") as error:
        list(batches(0, 0))
    assert SKIP not in str(error.value)


def lacking(form: str) -> list[dict[str, Any]]:
    """Every fourth row has no label and weighs nothing; that of row 1 is past all bounds."""
    some = rows(weight=[float(n % 4 != 0) for n in range(40)])
    for number in range(0, 40, 4):
        has_nan = form == "tfrecord" or (form == "parquet" and number % 8)
        some[number]["clicked"] = float("nan") if has_nan else None
    for row in some:
        if form in ("parquet", "tfrecord") and row["clicked"] is not None:
            row["clicked"] = float(row["clicked"])
    some[1]["weight"], some[1]["clicked"] = 0.0, 7.0
    return some


@pytest.mark.matrix
@pytest.mark.parametrize("form", FORMS)
def test_a_label_that_weighs_nothing_may_be_missing(form: str, tmp_path: Path) -> None:
    some = lacking(form)
    spec = prepared(tmp_path, form, some)
    counted = [row for row in some if row["weight"]]
    assert sum(part.examples for part in spec.parts.values()) == len(some)
    options = BatchOptions("clicked", "weight", batch_size=100)
    features = {"user": tf.io.FixedLenFeature([], tf.int64)}
    found: dict[int, float] = {}
    for part in spec.parts:
        files = spec.files(tmp_path / "run" / "data", part)
        for batch, labels, weights in Batches(files, FormatOptions("tfrecord"), features, options)(
            0, 0
        ):
            users, kept = batch["user"].numpy(), weights.numpy()[:, 0] > 0
            found |= dict(zip(users[kept], labels.numpy()[kept, 0], strict=True))
    assert found == {row["user"]: float(row["clicked"]) for row in counted}


@pytest.mark.parametrize("form", [*FORMS, "tfrecord"])
def test_also_in_files_to_evaluate(form: str, tmp_path: Path) -> None:
    some = lacking(form)
    write(tmp_path / "rows", form, some)
    options = BatchOptions("clicked", "weight", label_range=(0.0, 1.0), batch_size=100)
    spec = {"user": tf.io.FixedLenFeature([], tf.int64)}
    ((_, labels, weights),) = Batches([tmp_path / "rows"], FormatOptions(form), spec, options)(0, 0)
    kept = np.array([row["weight"] for row in some]) > 0
    np.testing.assert_array_equal(weights[:, 0], kept)
    expected = [row["clicked"] for row in some if row["weight"]]
    np.testing.assert_array_equal(labels.numpy()[kept, 0], expected)


@pytest.mark.parametrize("form", FORMS)
def test_one_that_weighs_something_is_still_an_error(form: str, tmp_path: Path) -> None:
    some = lacking(form)
    some[4]["weight"] = 0.5
    with pytest.raises(ValueError, match=r"`clicked` must be a number"):
        prepared(tmp_path, form, some)
    write(tmp_path / "rows", form, some)
    options = BatchOptions("clicked", "weight", label_range=(0.0, 1.0), batch_size=100)
    spec = {"user": tf.io.FixedLenFeature([], tf.int64)}
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"`clicked` must be a number"):
        list(Batches([tmp_path / "rows"], FormatOptions(form), spec, options)(0, 0))


def test_the_clicks_of_other_tests_have_no_bad_row(tmp_path: Path) -> None:
    configuration = load_configuration(write_clicks(tmp_path, log(50)), ["data.max_bad_rows=0"])
    prepare(configuration, tmp_path / "run" / "data")
