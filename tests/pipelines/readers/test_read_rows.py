import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from pipelines.readers.bad_rows import BadRows
from pipelines.readers.formats import FormatOptions
from pipelines.readers.read_rows import count_rows, read_rows
from tests.pipelines.readers.written_files import DTYPES, OPTIONS, as_values, row, write
from tests.pipelines.sources.real_data import real_data


def plain(one: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: as_values(value) for name, value in one.items()}


@pytest.mark.parametrize("form", OPTIONS)
def test_every_format_gives_the_rows_that_were_written(form: str, tmp_path: Path) -> None:
    files = [
        write(tmp_path / "a", form, map(row, range(20))),
        write(tmp_path / "b", form, map(row, range(20, 33))),
    ]
    read = list(read_rows(files, OPTIONS[form], DTYPES))
    assert [plain(one) for one, _, _ in read] == [plain(row(n)) for n in range(33)]
    assert [path for _, path, _ in read] == [files[0]] * 20 + [files[1]] * 13
    kinds = {name: {type(v) for one, _, _ in read for v in as_values(one[name])} for name in DTYPES}
    assert kinds["user"] == kinds["history"] == {int}
    assert kinds["age"] == kinds["days"] == {float}
    assert kinds["word"] == kinds["tags"] == {str}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
def test_compressed_text_is_read_as_text(form: str, ending: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a{ending}", form, [row(3)])
    assert [plain(one) for one, _, _ in read_rows([path], OPTIONS[form], DTYPES)] == [plain(row(3))]


@pytest.mark.parametrize("form", ["tfrecord", "sequence_example"])
def test_compressed_records_are_read(form: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", form, [row(3)])
    assert [plain(one) for one, _, _ in read_rows([path], OPTIONS[form])] == [plain(row(3))]


def test_a_file_has_as_many_rows_as_its_numbers_say(tmp_path: Path) -> None:
    csv = write(tmp_path / "a.csv", "csv", [row(4), row(1), row(2)])
    # Row 1 has an end of line in a cell.
    assert [line for _, _, line in read_rows([csv], OPTIONS["csv"])] == [2, 3, 5]
    records = write(tmp_path / "a", "tfrecord", map(row, range(300)))
    numbers = [number for _, _, number in read_rows([records], OPTIONS["tfrecord"])]
    assert numbers == list(range(300))


BAD = {
    "csv": "a,b\n1,x\nzz,x\n1,2,3\n2,y\n",
    "jsonl": '{"a": 1}\n{"a": "zz"}\n[1]\n\n{"a": 2}\n',
    "libsvm": "1 1:1\nzz 1:1\n1 1:1:1\n2 1:1\n",
}
WRONG = {
    "csv": ("`a` must be a whole number (int64). Received: a='zz'", "must have 2 cells"),
    "jsonl": ("`a` must be a whole number (int64). Received: a='zz'", "must be a JSON object"),
    "libsvm": ("`label` must be a finite number", "must be id:value. Received: '1:1:1'"),
}


@pytest.mark.parametrize("form", BAD)
def test_a_bad_row_is_an_error_that_names_file_and_line_or_is_counted(
    form: str, tmp_path: Path
) -> None:
    path = tmp_path / "rows"
    path.write_text(BAD[form])
    name = "label" if form == "libsvm" else "a"
    dtypes = {name: "float32" if form == "libsvm" else "int64"}
    with pytest.raises(ValueError, match=rf"in {path}, line {2 + (form == 'csv')}\. Correct it"):
        list(read_rows([path], FormatOptions(form), dtypes))
    bad_rows = BadRows("skip")
    rows = [one for one, _, _ in read_rows([path], FormatOptions(form), dtypes, bad_rows)]
    assert [one[name] for one in rows] == [1, 2]
    assert bad_rows.count == 2
    for words, example in zip(WRONG[form], bad_rows.examples, strict=True):
        assert words in example
    assert bad_rows.report().startswith("2 bad rows were skipped. The first: ")


def test_a_record_that_is_no_example_is_a_bad_row(tmp_path: Path) -> None:
    import tensorflow as tf

    path = tmp_path / "rows"
    latin = tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"\xff"]))
    bad = tf.train.Example(features=tf.train.Features(feature={"word": latin}))
    with tf.io.TFRecordWriter(str(path)) as file:
        file.write(b"no example")
        file.write(bad.SerializeToString())
        file.write(tf.train.Example().SerializeToString())
    bad_rows = BadRows("skip")
    with pytest.raises(ValueError, match="must hold a row that can be read"):
        list(read_rows([path], OPTIONS["tfrecord"], {}, bad_rows))
    assert "must be a tf.Example" in bad_rows.examples[0]
    assert "`word` must be UTF-8" in bad_rows.examples[1]
    assert "record 1." in bad_rows.examples[1]


def test_bytes_that_are_no_utf8_spoil_their_own_row_only(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"a,b\n1,x\n2,\xff\n3,y\n")
    bad_rows = BadRows("skip")
    rows = [one["a"] for one, _, _ in read_rows([path], FormatOptions("csv"), None, bad_rows)]
    assert rows == ["1", "3"]
    assert "must be UTF-8" in bad_rows.report()
    assert "line 3" in bad_rows.report()


@pytest.mark.parametrize("form", OPTIONS)
def test_an_empty_file_is_an_error_that_names_it(form: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    with pytest.raises(ValueError, match=f"{empty}` must hold rows"):
        list(read_rows([empty], OPTIONS[form]))
    without = write(tmp_path / "without", form, [])
    with pytest.raises(ValueError, match="must hold rows"):
        list(read_rows([without], OPTIONS[form]))


@pytest.mark.parametrize("form", OPTIONS)
def test_a_missing_column_is_an_error_that_names_the_nearest(form: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a", form, map(row, range(3)))
    with pytest.raises(ValueError, match=r"must have a column 'wieght'.*Did you mean weight"):
        list(read_rows([path], OPTIONS[form], {"wieght": "float32"}))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_later_file_may_arrange_its_columns_otherwise_but_lack_none(
    form: str, tmp_path: Path
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    first, second, third = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    if form == "csv":
        first.write_text("a,b\n1,2\n")
        second.write_text("c,b,a\n5,4,3\n")
        third.write_text("a,c\n1,2\n")
    else:
        pq.write_table(pa.table({"a": ["1"], "b": ["2"]}), first)
        pq.write_table(pa.table({"c": ["5"], "b": ["4"], "a": ["3"]}), second)
        pq.write_table(pa.table({"a": ["1"], "c": ["2"]}), third)
    rows = [one for one, _, _ in read_rows([first, second], FormatOptions(form))]
    assert rows == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    with pytest.raises(ValueError, match=f"{third}` must have a column 'b'"):
        list(read_rows([first, third], FormatOptions(form)))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.bz2", "a.csv.xz"])
def test_a_compressed_file_that_is_cut_off_is_an_error(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name, "csv", map(row, range(1000)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f"{name}` must be a whole file"):
        list(read_rows([path], OPTIONS["csv"]))
    path.write_bytes(b"not packed " * 20)
    with pytest.raises(ValueError, match=f"{name}` must be compressed as its name says"):
        list(read_rows([path], OPTIONS["csv"]))


@pytest.mark.parametrize("name", ["a.tfrecord", "a.tfrecord.gz", "a.parquet"])
def test_cut_records_are_an_error_that_names_the_file(name: str, tmp_path: Path) -> None:
    form = name.split(".")[1]
    path = write(tmp_path / name, form, map(row, range(100)))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=f"{name}` must be whole"):
        list(read_rows([path], OPTIONS[form]))


def test_packed_records_cut_between_two_of_them_are_an_error(tmp_path: Path) -> None:
    """TensorFlow takes such a file for a whole one."""
    plain = write(tmp_path / "a.tfrecord", "tfrecord", map(row, range(100)))
    packing = zlib.compressobj(wbits=31)
    packed = packing.compress(plain.read_bytes()) + packing.flush(zlib.Z_FULL_FLUSH)
    path = tmp_path / "a.tfrecord.gz"
    path.write_bytes(packed)
    with pytest.raises(ValueError, match=r"a.tfrecord.gz` must be whole TFRecord, GZIP"):
        list(read_rows([path], OPTIONS["tfrecord"]))
    path.write_bytes(packed + packing.flush())
    assert len(list(read_rows([path], OPTIONS["tfrecord"]))) == 100
    path.write_bytes(2 * path.read_bytes())  # one stream behind the other
    assert len(list(read_rows([path], OPTIONS["tfrecord"]))) >= 100


def test_tensorflow_cannot_read_records_packed_otherwise(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be compressed with gzip"):
        list(read_rows([tmp_path / "a.xz"], OPTIONS["tfrecord"]))


def test_no_files_is_an_error() -> None:
    with pytest.raises(ValueError, match="`files` must not be empty"):
        list(read_rows([], OPTIONS["csv"]))


def test_values_of_the_wrong_json_type_are_bad(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    for value, dtype in [
        (1.5, "int64"),
        ("1", "int64"),
        (2**63, "int64"),
        (1e39, "float32"),
        (5, "string"),
        ("\ud800", "string"),
        ([[1]], "int64"),
        ({}, "string"),
    ]:
        path.write_text(json.dumps({"a": value}))
        with pytest.raises(ValueError, match="`a` must be"):
            list(read_rows([path], FormatOptions("jsonl"), {"a": dtype}))
    path.write_text('{"a": NaN}')
    with pytest.raises(ValueError, match=r"must be JSON\. Received: NaN"):
        list(read_rows([path], FormatOptions("jsonl")))
    path.write_text('{"a": [1, null, 2], "b": null, "c": {"d": 1}}')
    dtypes = {"a": "float32", "b": "string"}
    rows = [one for one, _, _ in read_rows([path], FormatOptions("jsonl"), dtypes)]
    assert rows == [{"a": [1.0, 2.0], "b": None, "c": {"d": 1}}]


@pytest.mark.long
@pytest.mark.parametrize("name", ["train", "validation"])
def test_frappe_is_read(name: str) -> None:
    path = real_data("frappe") / f"frappe.{name}.libfm"
    options = FormatOptions("libsvm", num_fields=10)
    count = sum(len(one["feature_ids"]) == 10 for one, _, _ in read_rows([path], options))
    assert count == {"train": 202_027, "validation": 57_722}[name]


def test_criteo_is_read() -> None:
    path = real_data("criteo-sample") / "criteo_first10k.tsv"
    numbers = [f"I{n}" for n in range(13)]
    names = ("label", *numbers, *(f"C{n}" for n in range(26)))
    options = FormatOptions("csv", delimiter="\t", header=False, names=names)
    rows = [one for one, _, _ in read_rows([path], options, dict.fromkeys(numbers, "int64"))]
    assert len(rows) == 10_000
    cells = [line.split("\t") for line in path.read_text().rstrip("\n").split("\n")]
    for one, expected in zip(rows, cells, strict=True):
        assert ["" if v is None else str(v) for v in one.values()] == expected


@pytest.mark.parametrize("form", OPTIONS)
def test_rows_are_counted_without_parsing_them(form: str, tmp_path: Path) -> None:
    rows = [{**row(n), "word": "w"} for n in range(30)]
    ending = "" if form == "parquet" else ".gz"
    files = [write(tmp_path / "a", form, rows), write(tmp_path / f"b{ending}", form, rows[:7])]
    assert count_rows(files, OPTIONS[form]) == 37


def test_a_last_line_without_an_end_counts(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text('{"a": 1}\n{"a": 2}')
    assert count_rows([path], OPTIONS["jsonl"]) == 2
