"""A text that Parquet stores once for thousands of rows must not be made thousands of times."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.formats import FormatOptions
from pipelines.readers.read_rows import read_rows

ROWS, LONG = 50, 3 << 20
PARQUET = FormatOptions("parquet")


def shared(texts: list[str]) -> Any:
    """A column whose rows have the texts of a dictionary in turn."""
    places = pa.array([row % len(texts) for row in range(ROWS)], pa.int32())
    return pa.DictionaryArray.from_arrays(places, pa.array(texts))


def listed(column: Any) -> Any:
    return pa.ListArray.from_arrays(pa.array(range(ROWS + 1), pa.int32()), column)


COLUMNS = {
    "text": lambda: shared(["a", "x" * LONG]),
    "bytes": lambda: shared(["a", "x" * LONG]).cast(pa.dictionary(pa.int32(), pa.binary())),
    "list": lambda: listed(shared(["x" * LONG, "b"])),
    "struct": lambda: pa.StructArray.from_arrays([shared(["x" * LONG])], ["name"]),
}


def write(path: Path, column: Any, **options: Any) -> Path:
    pq.write_table(pa.table({"user": range(ROWS), "word": column}), path, **options)
    return path


@pytest.mark.matrix
@pytest.mark.parametrize("kind", COLUMNS)
def test_a_long_text_of_a_dictionary_is_refused_before_it_is_decoded(
    kind: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.parquet", COLUMNS[kind](), compression="zstd")
    assert path.stat().st_size < 10_000
    name = "word.name" if kind == "struct" else "word"
    said = rf"`{name}.*max_cell_size=1048576 and a text of {LONG} bytes in {path}, row group 0"
    spec = {name: tf.io.VarLenFeature(tf.string)}
    with pytest.raises(ValueError, match=said):
        next(read_rows([path], PARQUET, {name: "string"}))
    with pytest.raises(tf.errors.InvalidArgumentError, match=said):
        next(iter(Batches([path], PARQUET, spec, BatchOptions(None, batch_size=2))))
    # What is not read does not count, and who wants such texts says so.
    assert len(list(Batches([path], PARQUET, {}, BatchOptions("user", batch_size=25)))) == 2
    larger = FormatOptions("parquet", max_cell_size=LONG)
    assert len(next(read_rows([path], larger, {name: "string"}))) == 3


@pytest.mark.long
def test_a_column_of_long_texts_is_refused_and_a_large_dictionary_of_short_ones_is_not(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "a.parquet", ["x" * (LONG + row) for row in range(ROWS)])
    with pytest.raises(ValueError, match="`word` must have texts of at most max_cell_size bytes"):
        next(read_rows([path], PARQUET, {"word": "string"}))
    words = [f"{row}" * 50_000 for row in range(ROWS)]
    path = write(path, words, dictionary_pagesize_limit=1 << 25)
    assert [row["word"] for row, *_ in read_rows([path], PARQUET, {"word": "string"})] == words
