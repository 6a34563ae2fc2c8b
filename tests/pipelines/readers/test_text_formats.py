from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings

from pipelines.readers.bad_rows import BadRows
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.formats import FormatOptions
from pipelines.readers.libsvm_format import LibsvmFormat
from pipelines.readers.read_rows import read_rows
from pipelines.readers.values import Wanted

IDS = {
    "feature_ids": tf.io.VarLenFeature(tf.int64),
    "feature_vals": tf.io.VarLenFeature(tf.float32),
}
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NUMBER = st.floats(width=32, allow_nan=False, allow_infinity=False)
PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(3, 2**40), NUMBER), max_size=6)


def rows_of(path: Path, text: str, options: FormatOptions) -> list[dict[str, Any]]:
    path.write_bytes(text.encode())
    return [row for row, _, _ in read_rows([path], options)]


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@QUICK
@given(
    rows=st.lists(st.tuples(CELL, CELL, st.lists(CELL)), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t| "),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_cells_come_back_from_csv(
    tmp_path: Path, rows: list[tuple[str, str, list[str]]], delimiter: str, end: str
) -> None:
    options = FormatOptions("csv", lists={"c": "::"}, missing=("", "?"), delimiter=delimiter)
    lines = [delimiter.join(map(quoted, [a, b, "::".join(c)])) for a, b, c in rows]
    text = end.join([delimiter.join("abc"), *lines])
    expected = [
        {
            "a": None if a in ("", "?") else a,
            "b": None if b in ("", "?") else b,
            "c": [one for one in "::".join(c).split("::") if one not in ("", "?")],
        }
        for a, b, c in rows
    ]
    # A list cell that is "?" as a whole is missing, which is the same as empty.
    assert rows_of(tmp_path / "a", text, options) == expected


@QUICK
@given(rows=st.lists(st.tuples(NUMBER, PAIRS), min_size=1, max_size=5), base=st.integers(0, 3))
def test_any_pairs_come_back_from_libsvm(tmp_path: Path, rows: list[Any], base: int) -> None:
    lines = [" ".join([repr(label), *(f"{i}:{v!r}" for _, i, v in pairs)]) for label, pairs in rows]
    expected = [
        {
            "label": label,
            "feature_ids": [i - base for _, i, _ in pairs],
            "feature_vals": [v for _, _, v in pairs],
        }
        for label, pairs in rows
    ]
    options = FormatOptions("libsvm", index_base=base)
    assert rows_of(tmp_path / "a", "\n".join(lines), options) == expected


@QUICK
@given(rows=st.lists(st.tuples(NUMBER, PAIRS), min_size=1, max_size=5))
def test_any_triples_come_back_from_libffm(tmp_path: Path, rows: list[Any]) -> None:
    lines = [
        " ".join([repr(label), *(f"{f}:{i}:{v!r}" for f, i, v in pairs)]) for label, pairs in rows
    ]
    text = "# a comment\n\n" + "\r\n".join(lines)
    read = rows_of(tmp_path / "a", text, FormatOptions("libffm"))
    assert [row["feature_fields"] for row in read] == [[f for f, _, _ in p] for _, p in rows]
    named = rows_of(tmp_path / "a", text, FormatOptions("libffm", names=tuple("abcdef")))
    for row, (label, pairs) in zip(named, rows, strict=True):
        assert row["label"] == label
        for field, name in enumerate("abcdef"):
            ids = [i for f, i, _ in pairs if f == field]
            values = [v for f, _, v in pairs if f == field]
            assert row[name] == (ids if len(ids) > 1 else ids[0] if ids else None)
            assert row[f"{name}_vals"] == (values if len(ids) > 1 else values[0] if ids else None)


@QUICK
@given(
    rows=st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=6),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32-le", "gb18030", "cp1252"]),
    remarks=st.integers(0, 63),
)
def test_any_cells_come_back_from_any_encoding_with_comments_between(
    tmp_path: Path, rows: list[list[str]], encoding: str, remarks: int
) -> None:
    """A comment is no line of a quoted cell; a byte order mark is none of the text."""
    lines = [",".join(map(quoted, row)) for row in rows]
    text = "#, a remark\na,b\n"
    for place, line in enumerate(lines):
        text += '#" not a quote\n' * (remarks >> place & 1) + line + "\r\n"
    try:
        path = tmp_path / "a"
        path.write_bytes(text.encode(encoding))
    except UnicodeEncodeError:
        return
    options = FormatOptions("csv", encoding=encoding, comment="#", missing=())
    read = list(read_rows([path], options))
    assert [[row["a"], row["b"]] for row, _, _ in read] == rows
    before = [text[: text.index(line)].count("\n") for line in lines[:1]]
    assert [line for _, _, line in read[:1]] == [before[0] + 1]


@QUICK
@given(
    rows=st.lists(
        st.lists(
            st.text(st.characters(exclude_characters="\r\n\x1f:", exclude_categories=["Cs"])),
            min_size=2,
            max_size=2,
        ),
        min_size=1,
    )
)
def test_any_cells_come_back_between_delimiters_of_several_characters(
    tmp_path: Path, rows: list[list[str]]
) -> None:
    options = FormatOptions(
        "csv", delimiter="::", quoting=False, header=False, names=("a", "b"), missing=()
    )
    read = rows_of(tmp_path / "a", "\n".join(f"{a}::{b}" for a, b in rows), options)
    assert [[row["a"], row["b"]] for row in read] == rows


def test_bytes_of_another_encoding_spoil_their_own_row_only(tmp_path: Path) -> None:
    """They would be two letters of UTF-8, were they taken as they are."""
    path = tmp_path / "a"
    path.write_bytes("a,b\n1,é\n2,".encode("ascii", "ignore") + b"\xc3\xa9\n3,\x81\n4,x\n")
    bad_rows = BadRows("skip")
    read = read_rows([path], FormatOptions("csv", encoding="ascii"), None, bad_rows)
    assert [row["a"] for row, _, _ in read] == ["1", "4"]
    assert [("A cell must be ASCII" in one, one[-2]) for one in bad_rows.examples] == [
        (True, "3"),
        (True, "4"),
    ]


def test_qid_and_ids_without_values_take_the_quick_way(tmp_path: Path) -> None:
    lines = [b"1 qid:7 3:0.5 9", b"0 qid:8", b"1 qid:9 4 5:2"]
    spec = {"qid": tf.io.FixedLenFeature([], tf.int64), **IDS}
    wanted = Wanted.of(spec, BatchOptions("label"))
    arrays = LibsvmFormat(FormatOptions("libsvm")).arrays(lines, wanted)
    assert arrays is not None
    assert arrays["qid"][0].tolist() == [7, 8, 9]
    assert [part.tolist() for part in arrays["feature_ids"]] == [[3, 9, 4, 5], [2, 0, 2]]
    assert arrays["feature_vals"][0].tolist() == [0.5, 1, 1, 2]
    some = [*lines, b"1 3:1"]  # one without qid
    assert LibsvmFormat(FormatOptions("libsvm")).arrays(some, wanted) is None


def test_fields_of_libsvm_are_named_by_position(tmp_path: Path) -> None:
    options = FormatOptions("libsvm", names=("user", "item"), index_base=1)
    rows = rows_of(tmp_path / "a", "-1 qid:7 3:1 8:0.5 # a comment\n", options)
    expected = {"label": -1.0, "qid": 7, "user": 2, "user_vals": 1.0, "item": 7, "item_vals": 0.5}
    assert rows == [expected]


@pytest.mark.parametrize(
    ("text", "options", "error"),
    [
        ("1 3:1", {"num_fields": 2}, "must have 2 pairs. Received: 1 pairs"),
        ("1 3:1", {"index_base": 4}, "`id` must be at least 4. Received: id=3"),
        ("1 -3:1", {}, "`id` must be at least 0"),
        ("1 3:nan", {}, "`value` must be a finite number"),
        ("1 3:1:1", {}, "A pair must be id:value. Received: '3:1:1'"),
        ("1 1_0:1", {}, "`id` must be a whole number"),
        ("3:1 4:1", {}, "`label` must be a finite number"),
    ],
)
def test_a_bad_line_of_libsvm_is_an_error(
    tmp_path: Path, text: str, options: dict[str, Any], error: str
) -> None:
    with pytest.raises(ValueError, match=f"{error}.* line 1"):
        rows_of(tmp_path / "a", text, FormatOptions("libsvm", **options))


def test_a_field_of_libffm_without_a_name_is_an_error(tmp_path: Path) -> None:
    options = FormatOptions("libffm", names=("a", "b"))
    with pytest.raises(ValueError, match=r"`field` must be in \[0, 2\).* field=2"):
        rows_of(tmp_path / "a", "1 2:1:1", options)


@pytest.mark.parametrize(
    ("text", "options", "error"),
    [
        ("a,a\n1,2\n", {}, "line of different names"),
        ("a\n1\n", {"lists": {"tags": "|"}}, "must have a column 'tags'"),
        ('a,b\n1,"x"y\n', {}, "A row must be CSV"),
        ('a,b\n1,"x\n2,y\n', {}, "A row must be CSV.* line 2"),
    ],
)
def test_a_bad_table_is_an_error(
    tmp_path: Path, text: str, options: dict[str, Any], error: str
) -> None:
    with pytest.raises(ValueError, match=error):
        rows_of(tmp_path / "a", text, FormatOptions("csv", **options))


def test_names_stand_in_for_a_header_or_replace_it(tmp_path: Path) -> None:
    without = FormatOptions("csv", header=False, names=("a", "b"))
    assert rows_of(tmp_path / "a", "1,2\n", without) == [{"a": "1", "b": "2"}]
    replaced = FormatOptions("csv", names=("a", "b"))
    assert rows_of(tmp_path / "a", "\ufeffx,y\n1,2\n", replaced) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"format": "xml"}, "`format` must be one of csv"),
        ({"format": "jsonl", "delimiter": ";"}, "`delimiter` must be left out for format=jsonl"),
        ({"format": "csv", "num_fields": 3}, "`num_fields` must be left out for format=csv"),
        ({"format": "libsvm", "num_fields": 0}, "`num_fields` must be positive"),
        ({"format": "libsvm", "index_base": -1}, "`index_base` must not be negative"),
        ({"format": "csv", "delimiter": ",,"}, "`delimiter` must be one character"),
        ({"format": "csv", "lists": {"a": ""}}, "`lists` must give a separator"),
        ({"format": "csv", "names": ("a", "a")}, "`names` must be different"),
        ({"format": "csv", "header": False}, "`names` must be given"),
        ({"format": "csv", "encoding": "latin-9000"}, "`encoding` must be one that Python knows"),
        ({"format": "csv", "decimal": ","}, "`decimal` must not be what separates cells"),
        ({"format": "csv", "lists": {"a": ":"}, "pairs": {"a": ":"}}, "another separator"),
        ({"format": "csv", "pairs": {"a": ":"}}, "`pairs` must name columns of `lists`"),
        ({"format": "jsonl", "comment": "#"}, "`comment` must be left out for format=jsonl"),
        ({"format": "parquet", "encoding": "cp1252"}, "`encoding` must be left out"),
    ],
)
def test_options_that_make_no_sense_are_errors(options: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        FormatOptions(**options)


def test_names_and_num_fields_must_agree(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`num_fields` must be the number of `names`"):
        rows_of(tmp_path / "a", "1", FormatOptions("libsvm", names=("a",), num_fields=2))
