"""The quick way over whole columns gives what the way over single rows gives."""

import json
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, given, settings

from pipelines.readers.bad_rows import BadRows
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.blocks import TextBlocks
from pipelines.readers.formats import FormatOptions
from pipelines.readers.read_rows import choose_format, read_rows
from pipelines.readers.values import Wanted
from tests.pipelines.readers.written_files import as_values

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
DTYPES = {"n": "int64", "x": "float32", "w": "string"}
NUMBERS = [1, -2, 2.5, True, None, float("1e39"), 2**63, "1", "é", "\ud800", {}, []]


def same(path: Path, options: FormatOptions, dtypes: dict[str, str]) -> bool:
    """Compares both ways on one file; tells whether the quick one was taken."""
    bad_rows, again = BadRows("skip"), BadRows("skip")
    try:
        rows = [row for row, _, _ in read_rows([path], options, dtypes, bad_rows)]
    except ValueError:  # not one good row, or a key that none has
        return False
    spec = {name: tf.io.VarLenFeature(tf.as_dtype(dtype)) for name, dtype in dtypes.items()}
    wanted = Wanted.of(spec, BatchOptions(None))
    form: Any = choose_format(options, path)
    blocks = TextBlocks(form, wanted, again)
    (block,) = blocks.read(path, 1, 0)
    columns = blocks.columns(block)
    assert again.examples == bad_rows.examples
    for name, dtype in dtypes.items():
        flat, lengths = columns.packed(name)
        lists = [as_values(row[name]) for row in rows]
        values = [one.encode() if dtype == "string" else one for row in lists for one in row]
        assert flat.tolist() == np.array(values, flat.dtype).tolist()
        assert lengths.tolist() == [len(one) for one in lists]
    return form.arrays([record for _, _, record in block], wanted) is not None


@QUICK
@given(
    rows=st.lists(
        st.dictionaries(
            st.sampled_from(list(DTYPES)),
            st.sampled_from([*NUMBERS, 3, 4, 5]) | st.lists(st.sampled_from([*NUMBERS, 3, 4])),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_json_lines(tmp_path: Path, rows: list[Any]) -> None:
    path = tmp_path / "rows"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    same(path, FormatOptions("jsonl"), DTYPES)


PAIR = st.sampled_from(["1:1", "7:2.5", "3:-1", "0:1e3", " "] * 3 + ["x:1", "1:1:1", "2:nan", "#"])
TRIPLE = st.sampled_from(["0:1:1", "1:7:2.5", "1:3:-1"] * 3 + ["5:1:1", "1:1", "x:1:1", "1:0:nan"])


@QUICK
@given(
    lines=st.lists(st.lists(PAIR, max_size=3), min_size=1, max_size=5),
    base=st.integers(0, 1),
    named=st.booleans(),
)
def test_libsvm(tmp_path: Path, lines: list[list[str]], base: int, named: bool) -> None:
    path = tmp_path / "rows"
    path.write_text("\n".join(" ".join(["1", *line]) for line in lines))
    options = FormatOptions("libsvm", names=("a", "b") if named else None, index_base=base)
    dtypes = {"a": "int64", "b_vals": "float32"} if named else {"feature_ids": "int64"}
    same(path, options, {**dtypes, "label": "float32"})


@QUICK
@given(lines=st.lists(st.lists(TRIPLE, max_size=3), min_size=1, max_size=5), named=st.booleans())
def test_libffm(tmp_path: Path, lines: list[list[str]], named: bool) -> None:
    path = tmp_path / "rows"
    path.write_text("\n".join(" ".join(["0", *line]) for line in lines))
    options = FormatOptions("libffm", names=("a", "b") if named else None)
    plain = {"feature_fields": "int64", "feature_vals": "float32"}
    same(path, options, {"a_vals": "float32", "b": "int64"} if named else plain)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("jsonl", '{"n": 1, "x": [2, 2.5], "w": "é"}\n{}\n'),
        ("libsvm", "1 1:1 2:1\n-1 7:0.5\n"),
        ("libffm", "1 0:1:1 1:2:1\n-1 1:7:0.5\n"),
    ],
)
def test_good_rows_take_the_quick_way(tmp_path: Path, form: str, text: str) -> None:
    path = tmp_path / "rows"
    path.write_text(text)
    ids = {"feature_ids": "int64", "feature_vals": "float32", "label": "float32"}
    assert same(path, FormatOptions(form), ids if form.startswith("lib") else DTYPES)
