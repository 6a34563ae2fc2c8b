"""Labels in words, exact times and lists of examples, from the file to the prepared splits."""

import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from hypothesis import given, settings
from tensorflow_serving.apis.input_pb2 import ExampleListWithContext

from pipelines.configuration.configuration import Column, Configuration, Data, Split
from pipelines.preparation.prepare import prepare
from pipelines.readers.times import Nanoseconds, exact_time
from tests.pipelines.readers.format_files import texts, whole

UTC = datetime.UTC
LAST = 2**60  # from 2^53 on neighbours are one float64


def prepared(tmp_path: Path, **data: Any) -> Any:
    column = Column(kind="categorical_column_with_identity", key="user", num_buckets=1000)
    configuration = Configuration(data=Data(shards=1, **data), columns=[column])
    return prepare(configuration, tmp_path / "out")


def users(tmp_path: Path, part: str) -> list[int]:
    records = tf.data.TFRecordDataset(str(next((tmp_path / "out").glob(f"{part}-*"))))
    examples = [tf.train.Example.FromString(one) for one in records.as_numpy_iterator()]
    return [one.features.feature["user"].int64_list.value[0] for one in examples]


def test_labels_in_words_become_numbers_and_others_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user,label\n1.0,yes\n2.0,no\n3.0,yes\n")
    words = {"yes": 1.0, "no": 0.0}
    spec = prepared(tmp_path, format="csv", train=str(path), label_values=words)
    assert (spec.parts["train"].examples, spec.parts["train"].positives) == (3, 2)
    path.write_text("user,label\n1,yes\n2,maybe\n")
    with pytest.raises(ValueError, match=r"`label` must be one of yes, no\. .*'maybe' .*line 3"):
        prepared(tmp_path, format="csv", train=str(path), label_values=words)


def test_labels_have_one_rule() -> None:
    with pytest.raises(ValueError, match="`positive_from` must be left out with `label_values`"):
        Data(format="csv", train="a", label_values={"yes": 1.0}, positive_from=1.0)


TIMES = {
    "numbers": [LAST + n for n in range(10)],
    "text": [f"2024-02-29T12:00:00.00000000{n}+02:00" for n in range(10)],
    "dates": [datetime.date(2024, 1, 1 + n) for n in range(10)],
    "timestamps": pa.array([LAST + n for n in range(10)], pa.timestamp("ns", "Asia/Tokyo")),
}


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("by", ["time", "group"])
def test_times_one_nanosecond_apart_are_told_apart(kind: str, by: str, tmp_path: Path) -> None:
    table = pa.table({"user": range(10), "one": [0] * 10, "label": [0, 1] * 5, "at": TIMES[kind]})
    path = tmp_path / "a.parquet"
    pq.write_table(table.take([3, 9, 0, 5, 1, 8, 2, 7, 4, 6]), path)
    split = Split(by=by, column="at")  # type: ignore[arg-type]
    group = "one" if by == "group" else None
    prepared(tmp_path, format="parquet", train=str(path), split=split, group=group)
    assert users(tmp_path, "validation") == [8]
    assert users(tmp_path, "test") == [9]


def test_numbers_and_dates_in_one_column_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user,label,at\n1,0,20240229\n2,1,2024-02-28\n")
    split = Split(by="time", column="at")
    with pytest.raises(ValueError, match=r"`data.split.column` must be numbers or times .* both"):
        prepared(tmp_path, format="csv", train=str(path), split=split)
    path.write_text("user,label,at\n1,0,2024-02-29\n2,1,yesterday\n")
    with pytest.raises(ValueError, match=r"`at` must be a number, or a time of ISO .* line 3"):
        prepared(tmp_path, format="csv", train=str(path), split=split)


@settings(max_examples=200, deadline=None)
@given(
    at=st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)),
    nanoseconds=st.integers(0, 999),
    minutes=st.integers(-900, 900),
    basic=st.booleans(),
)
def test_any_time_of_iso_8601_is_its_nanoseconds(
    at: datetime.datetime, nanoseconds: int, minutes: int, basic: bool
) -> None:
    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    past = at.replace(tzinfo=zone) - datetime.datetime(1970, 1, 1, tzinfo=UTC)
    expected = past // datetime.timedelta(microseconds=1) * 1000 + nanoseconds
    form = "%Y%m%dT%H%M%S" if basic else "%Y-%m-%d %H:%M:%S"
    date = at.strftime(form).rjust(len("20240229T120000" if basic else "2024-02-29 12:00:00"), "0")
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    text = f"{date}.{at.microsecond:06}{nanoseconds:03}{sign}{hours:02}:{rest:02}"
    found = exact_time(text)
    assert (type(found), found) == (Nanoseconds, expected)


@pytest.mark.parametrize("text", ["1700000000.000000001", "9007199254740993.5", "1e3", "-7"])
def test_a_time_in_figures_is_the_number_that_stands_there(text: str) -> None:
    assert Fraction(exact_time(text)) == Fraction(text)


@pytest.mark.parametrize(
    "text", ["", "x", "2024-02-30", "2024-2-9", "1_000", "nan", "1e30", "3000-01-01", "12:30"]
)
def test_what_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        exact_time(text)


@pytest.mark.parametrize(("value", "problem"), [(2.5, "who=2.5"), (2.0**60, "2.53 on")])
def test_a_group_is_never_rounded(value: float, problem: str, tmp_path: Path) -> None:
    """float32 made one group of 16777216 and 16777217."""
    path = tmp_path / "a.parquet"
    near = [2.0**24, 2.0**24 + 1, 2.0**24 + 2]
    pq.write_table(pa.table({"user": [1, 2, 3], "label": [0, 1, 1], "who": near}), path)
    spec = prepared(tmp_path, format="parquet", train=str(path), group="who")
    assert spec.features["who"].dtype == "int64"
    pq.write_table(pa.table({"user": [1], "label": [0], "who": [value]}), path)
    with pytest.raises(ValueError, match=rf"`who` must be a whole number.*{problem}"):
        prepared(tmp_path, format="parquet", train=str(path), group="who")


def test_lists_with_context_are_rows_of_a_group(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as file:
        for query, labels in (("q", [0, 1]), ("r", [1]), ("q", [0, 0, 1])):
            context = tf.train.Example()
            context.features.feature["query"].CopyFrom(texts(query))
            examples = []
            for user, label in enumerate(labels):
                example = tf.train.Example()
                example.features.feature["user"].CopyFrom(whole(user))
                example.features.feature["label"].CopyFrom(whole(label))
                examples.append(example)
            file.write(
                ExampleListWithContext(context=context, examples=examples).SerializeToString()
            )
    spec = prepared(tmp_path, format="elwc", train=str(path), group="list_id")
    assert (spec.parts["train"].examples, spec.parts["train"].positives) == (6, 3)
    assert users(tmp_path, "train") == [0, 1, 0, 0, 1, 2]
    records = tf.data.TFRecordDataset(str(next((tmp_path / "out").glob("train-*"))))
    features = [tf.train.Example.FromString(one).features for one in records.as_numpy_iterator()]
    lists = [one.feature["list_id"].bytes_list.value[0] for one in features]
    assert [lists.count(one) for one in lists] == [2, 2, 1, 3, 3, 3]
