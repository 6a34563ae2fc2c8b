"""What is read through Arrow is what `csv` and `typed_value` make of each row, errors as well."""

import contextlib
import csv
import io
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings

from pipelines.readers import csv_blocks
from pipelines.readers.bad_rows import BadRows
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.blocks import Columns, RowParser
from pipelines.readers.csv_blocks import CsvBlocks
from pipelines.readers.csv_format import CsvFormat
from pipelines.readers.formats import FormatOptions
from pipelines.readers.read_rows import read_rows
from pipelines.readers.values import Wanted
from tests.pipelines.readers.written_files import ENDINGS

MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NUMBERS = [
    *("1", "-2", "0", "-0", "007", "12.0", "2.5", ".5", "5.", "1e3", "1E-3", "1e+3", "-1e-400"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775808", "9" * 30),
    *("3.4028235e38", "3.4028236e38", "1e39", "1e400", "16777217", "0.1", "1.00000017881393433"),
]
ODD = [
    *(" 3", "3 ", "+4", "0x1F", "1_0", "1,000", "nan", "-inf", "Infinity", "NA", "null", "None"),
    *("true", "False", "2020-01-01", "--1", "1-", "-", "1e", "٣", "é", "\u2028", "\0", "x", "?"),
]
SPEC = {
    "n": tf.io.VarLenFeature(tf.int64),
    "x": tf.io.FixedLenFeature([], tf.float32),
    "w": tf.io.FixedLenFeature([], tf.string, "none"),
}


def wanted_of(spec: dict[str, Any]) -> list[Wanted]:
    return Wanted.of(spec, BatchOptions(None))


def by_row(path: Path, options: FormatOptions, bad_rows: BadRows) -> list[Columns]:
    """Each row by itself, None where it is bad."""
    form = CsvFormat(options, path)
    parser = RowParser(wanted_of(SPEC), bad_rows, form.unit, decimal=options.decimal)
    rows: list[Any] = []
    for number, record in form.records(path):
        rows.append(None)
        try:
            if isinstance(record, ValueError):
                raise record
            rows[-1] = parser.convert([form.row(record)])
        except ValueError as error:
            bad_rows.add(path, number, str(error), form.unit)
    return rows


def in_blocks(
    path: Path, options: FormatOptions, bad_rows: BadRows, every: int = 1, first: int = 0
) -> Columns:
    blocks = CsvBlocks(CsvFormat(options, path), wanted_of(SPEC), bad_rows)
    blocks.check(path)
    return blocks.columns(Columns.join(list(blocks.read(path, every, first))))


def plain(columns: Columns) -> dict[str, Any]:
    ids, lengths = columns.packed("n")
    dense = {name: columns.dense[name] for name in ("x", "w")}
    assert (ids.dtype, dense["x"].dtype) == (np.int64, np.float32)
    found = {name: (values.tolist(), values.shape) for name, values in dense.items()}
    return {**found, "signs": np.signbit(dense["x"]).tolist(), "n": (ids.tolist(), [*lengths])}


def same(path: Path, options: FormatOptions) -> None:
    expected, found = BadRows("skip"), BadRows("skip")
    rows: list[Any] = []
    with contextlib.suppress(ValueError):
        rows = by_row(path, options, expected)
    if not rows:
        with pytest.raises(ValueError, match=f"{path}` must hold rows. Received: none"):
            in_blocks(path, options, found)
        return
    read = in_blocks(path, options, found)
    good = [row for row in rows if row is not None]
    assert len(read) == len(good)
    assert not good or plain(read) == plain(Columns.join(good))
    assert found.examples == expected.examples
    assert found._seen == expected._seen
    if share := [row for row in rows[1::3] if row is not None]:
        of_worker = in_blocks(path, options, BadRows("skip"), 3, 1)
        assert plain(of_worker) == plain(Columns.join(share))


CELL = st.one_of(
    st.sampled_from(NUMBERS * 3 + ODD),
    st.text(st.sampled_from("01-.e|:?\"'; \t\n\ré\ufeff"), max_size=6),
    st.floats(width=64).map(repr),
    st.integers().map(str),
)


@pytest.mark.long
@MANY
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL, CELL, st.booleans()), min_size=1, max_size=12),
    delimiter=st.sampled_from(",;\t| \x01é0"),
    end=st.sampled_from(["\n", "\r\n", "\n\n"]),
    lists=st.sampled_from([{}, {"n": "|"}, {"n": ":", "w": "::"}]),
    missing=st.sampled_from([("",), ("", "?"), ("NA",), ()]),
    piece=st.sampled_from([1, 20, 1 << 18]),
)
def test_cells_that_are_quoted_as_they_must_be(
    tmp_path: Path,
    rows: list[Any],
    delimiter: str,
    end: str,
    lists: dict[str, str],
    missing: tuple[str, ...],
    piece: int,
) -> None:
    text = io.StringIO()
    for *cells, quoted in [("n", "x", "w", "more", False), *rows]:
        quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
        csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=quoting).writerow(cells)
    path = tmp_path / "rows"
    path.write_bytes(text.getvalue().encode())
    lists = {} if "w" in lists else lists  # `w` has one value in each row
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_blocks, "_PIECE", piece)
        same(path, FormatOptions("csv", lists=lists, missing=missing, delimiter=delimiter))


@pytest.mark.long
@MANY
@given(
    pieces=st.lists(
        st.sampled_from(
            [
                *(b"1,2,a,b\n", b"1,2.5,,\n", b'"1","2","a, ""b""","c\nd"\r\n', b"7|8,.5,x,\n"),
                *(b'1,2,"a"b,c\n', b'1,2,a"b,"c"\n', b'1,2,"a\n', b"1,2,\xff,a\n", b"1,2,a,\xff\n"),
                *(b"1,2\n", b"1,2,3,4,5\n", b"\n", b" \n", b"\r\n", b"1,2,a,b\r", b"\r", b'"'),
                *(b'1, "2",a,b\n', b'1,2,"a" ,b\n', b"\xef\xbb\xbf1,2,a,b\n", b"1,2,a,b\n" * 40),
                *(b"1,x,a,b\n", b"1,,a,b\n", b"0x1,2,a,b\n", b" 1 ,+2,a,b\n", b"1,2,\0,b\n", b","),
            ]
        ),
        min_size=1,
        max_size=14,
    ),
    bom=st.booleans(),
    piece=st.sampled_from([1, 20, 300, 1 << 18]),
)
def test_files_that_are_not_as_they_must_be(
    tmp_path: Path, pieces: list[bytes], bom: bool, piece: int
) -> None:
    path = tmp_path / "rows"
    path.write_bytes(b"\xef\xbb\xbf" * bom + b"n,x,w,more\n" + b"".join(pieces))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_blocks, "_PIECE", piece)
        same(path, FormatOptions("csv", lists={"n": "|"}))


@settings(MANY, max_examples=40)
@given(
    rows=st.lists(
        st.tuples(CELL, CELL | st.sampled_from(["1,5", "-,5", "1.5", "1,000,0"]), CELL, CELL),
        min_size=1,
        max_size=12,
    ),
    delimiter=st.sampled_from(["::", ";", "\t|"]),
    dialect=st.sampled_from(
        [
            {"decimal": ","},
            {"comment": "1"},
            {"encoding": "cp1252"},
            {"lists": {"n": "|"}, "pairs": {"n": ":"}},
            {"max_cell_size": 5},
        ]
    ),
    piece=st.sampled_from([20, 1 << 18]),
)
def test_dialects_without_quoting(
    tmp_path: Path, rows: list[Any], delimiter: str, dialect: dict[str, Any], piece: int
) -> None:
    path = tmp_path / "rows"
    lines = [delimiter.join(row) for row in [("n", "x", "w", "more"), *rows]]
    path.write_bytes("\n".join(lines).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_blocks, "_PIECE", piece)
        same(path, FormatOptions("csv", delimiter=delimiter, quoting=False, **dialect))


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ("1::2.5::a::b\n3::.5::c::d\n", {"delimiter": "::", "quoting": False}),
        ('1,2.5,"a,b\n3,.5,c",d\n', {"quoting": False}),
        ("1;2,5;a;b\n12,0;3;c;d\n", {"delimiter": ";", "decimal": ","}),
        ("12.0,2.5,a,b\n,3,c,d\n7.,1,e,f\n", {}),
        ("# 1,2\n1,2.5,a,b\n", {"comment": "#"}),
        ("1:2|3:0.5,2.5,a,b\n", {"lists": {"n": "|"}, "pairs": {"n": ":"}}),
    ],
)
def test_good_rows_of_a_dialect_take_the_quick_way(
    tmp_path: Path, rows: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, form = tmp_path / "rows", FormatOptions("csv", **options)
    path.write_text(form.delimiter.join(("n", "x", "w", "more")) + f"\n{rows}", newline="")
    same(path, form)
    quick_only(monkeypatch)
    assert len(in_blocks(path, form, BadRows()))


def quick_only(patch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any) -> None:
        raise AssertionError

    patch.setattr(CsvBlocks, "_from_records", refuse)
    patch.setattr(CsvBlocks, "_one_by_one", refuse)


@pytest.mark.parametrize(
    "rows",
    [
        "1,2.5,é,b\n,3,,\n",
        '"1","2.5","a ""b"", c","line\nanother line"\r\n"2|3",1,"",\r\n',
        " 1 ,+2,a,b\n",
        "1,2,a,b",
        "1,2,a,b\n\n1,2,a,b\r\n\r\n\n1,2,a,b\n\n",
    ],
)
def test_good_rows_take_the_quick_way(
    tmp_path: Path, rows: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows"
    path.write_text(f"n,x,w,more\n{rows}", newline="")
    same(path, FormatOptions("csv", lists={"n": "|"}))
    quick_only(monkeypatch)
    assert len(in_blocks(path, FormatOptions("csv", lists={"n": "|"}), BadRows()))


def test_one_bad_row_leaves_the_others_to_the_quick_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows"
    lines = ["1,2,a,b"] * 5000
    lines[3210] = "1,two,a,b"
    path.write_text("\n".join(["n,x,w,more", *lines]))
    looked_at = []
    one_by_one = CsvBlocks._one_by_one

    def counted(self: CsvBlocks, path: Path, cells: Any, numbers: Any) -> Columns:
        looked_at.extend(numbers.tolist())
        return one_by_one(self, path, cells, numbers)

    monkeypatch.setattr(CsvBlocks, "_one_by_one", counted)
    bad_rows = BadRows("skip")
    assert len(in_blocks(path, FormatOptions("csv"), bad_rows)) == 4999
    assert "`x` must be a finite number (float32). Received: x='two'" in bad_rows.examples[0]
    assert f"in {path}, line 3212." in bad_rows.examples[0]
    assert len(looked_at) <= 32


@pytest.mark.parametrize("ending", ENDINGS)
def test_cells_over_several_lines_are_read_everywhere_and_lines_are_still_counted(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f'{n},{n / 2},"first\nsecond ""{n}""\r\nthird",x' for n in range(9000)]
    rows[8500] = '1,oh,"\n\n",x'
    path = tmp_path / f"rows{ending}"
    path.write_bytes(ENDINGS[ending]("\n".join(["n,x,w,more", *rows]).encode()))
    options, bad_rows = FormatOptions("csv"), BadRows("skip")
    found = in_blocks(path, options, bad_rows)
    words = [f'first\nsecond "{n}"\r\nthird' for n in range(9000) if n != 8500]
    assert [word.decode() for word in found.dense["w"]] == words
    assert f"{path}, line {2 + 3 * 8500}." in bad_rows.examples[0]
    prepared = read_rows([path], options, {"x": "float32"}, BadRows("skip"))
    assert [row["w"] for row, _, _ in prepared] == words
    path.write_bytes(ENDINGS[ending]("\n".join(["n,x,w,more", *rows[:8500]]).encode()))
    quick_only(monkeypatch)
    assert len(in_blocks(path, options, BadRows())) == 8500


@pytest.mark.parametrize("delimiter", ["\0", "\x7f", "\x80", "é"])
def test_a_delimiter_that_arrow_does_not_know_is_left_to_python(
    tmp_path: Path, delimiter: str
) -> None:
    path = tmp_path / "rows"
    rows = [delimiter.join(row) for row in (["n", "x", "w"], ["7", "2", "a"], ["8", '"3"', "b"])]
    path.write_text("\n".join(rows))
    same(path, FormatOptions("csv", delimiter=delimiter))


def test_a_cell_that_is_never_closed_is_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text('n,x,w,more\n1,2,a,b\n1,2,"a,b\n' + "1,2,a,b\n" * 20_000)
    short = FormatOptions("csv", max_cell_size=1 << 17)
    problem = r"A row must be CSV\. Received: field larger .* line 3\..* raise max_cell_size\."
    with pytest.raises(ValueError, match=problem):
        in_blocks(path, short, BadRows())
    same(path, short)
    path.write_text('n,x,w,more\n1,2,a,b\n1,2,"a,b\n' + "1,2,a,b\n" * 50)
    same(path, FormatOptions("csv"))  # the rest of the file is one cell


def test_another_order_and_more_columns_of_a_later_file(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_text("n,x,w\n1,2,a\n")
    second.write_text("more,w,x,n\n9,b,4,3\n")
    blocks = CsvBlocks(CsvFormat(FormatOptions("csv"), first), wanted_of(SPEC), BadRows())
    found = Columns.join([block for path in (first, second) for block in blocks.read(path, 1, 0)])
    assert found.dense["x"].tolist() == [2, 4]
    assert found.dense["w"].tolist() == [b"a", b"b"]
    assert found.packed("n")[0].tolist() == [1, 3]


@pytest.mark.parametrize("shuffle_buffer", [0, 900])
def test_the_order_is_that_of_the_other_text_formats(
    tmp_path: Path, shuffle_buffer: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_blocks, "_PIECE", 900)  # no multiple of a block of rows
    files: dict[str, list[Path]] = {"csv": [], "jsonl": []}
    for part in range(3):
        numbers = range(part * 5000, part * 5000 + 700 + part)
        for form, paths in files.items():
            line = "{}" if form == "csv" else '{{"number": {}}}'
            lines = ["number"] * (form == "csv") + [line.format(number) for number in numbers]
            paths.append(tmp_path / f"{part}.{form}")
            paths[-1].write_text("\n".join(lines))
    spec = {"number": tf.io.FixedLenFeature([], tf.int64)}
    for worker, workers in ((0, 1), (1, 2), (3, 5)):
        batch = BatchOptions(
            None, batch_size=64, shuffle_buffer=shuffle_buffer, worker=worker, num_workers=workers
        )
        orders = [
            [
                one["number"].numpy().tolist()
                for one in Batches(paths, FormatOptions(form), spec, batch)(2, 1)
            ]
            for form, paths in files.items()
        ]
        assert orders[0] == orders[1]
        assert sum(map(len, orders[0])) > 300


def test_a_bad_row_of_a_batch_that_is_skipped_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text("number\n1\nx\n3\n4\ny\n6\n")
    spec = {"number": tf.io.FixedLenFeature([], tf.int64)}
    bad_rows, batch = BadRows("skip"), BatchOptions(None, batch_size=2)
    batches = Batches([path], FormatOptions("csv"), spec, batch, bad_rows)
    assert [one["number"].numpy().tolist() for one in batches(0, 1)] == [[3, 4], [6]]
    assert bad_rows.count == 1
    assert "line 6." in bad_rows.examples[0]
