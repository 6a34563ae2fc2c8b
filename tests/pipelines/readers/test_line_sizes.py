"""A line without end, as a small compressed file may hold it, is an error in time."""

import gzip
import lzma
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.formats import FormatOptions
from pipelines.readers.read_rows import count_rows, read_rows

MOST = 1000
HEAD = {
    "csv": "user,clicked\n7,1\n",
    "jsonl": '{"user": 7, "clicked": 1}\n\n',
    "libsvm": "# nothing\n1 3:1\n",
    "libffm": "\n1 1:3:1\n",
}
START = {"csv": "7,", "jsonl": '{"user": 7, "x": "', "libsvm": "1 3:1 # ", "libffm": "1 1:3:1 #"}
END = {"csv": "", "jsonl": '", "clicked": 1}', "libsvm": "", "libffm": ""}
FILL = {"csv": "0", "jsonl": "é", "libsvm": "x", "libffm": "x"}
NAMES = {"csv": ("user", "clicked"), "jsonl": ("user", "clicked")}
DIALECTS: dict[str, tuple[str, dict[str, Any]]] = {
    **{form: (form, {}) for form in HEAD},
    "utf-16": ("jsonl", {"encoding": "utf-16"}),
    "comments": ("csv", {"comment": "%"}),
    "delimiter": ("csv", {"delimiter": ",", "quoting": False}),
}
ENDINGS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
}


def all_rows(path: Path, options: FormatOptions) -> int:
    user = NAMES.get(options.format, ("feature_ids", "label"))[0]
    return sum(1 for _ in read_rows([path], options, {user: "int64"}))


def all_batches(path: Path, options: FormatOptions) -> int:
    user, label = NAMES.get(options.format, ("feature_ids", "label"))
    spec = {user: tf.io.VarLenFeature(tf.int64)}
    batches = Batches([path], options, spec, BatchOptions(label, batch_size=2))
    return sum(int(labels.shape[0]) for _, labels in batches())


def counted(path: Path, options: FormatOptions) -> int:
    return count_rows([path], options)


@pytest.mark.matrix
@pytest.mark.parametrize("read", [all_rows, all_batches, counted])
@pytest.mark.parametrize(
    ("dialect", "ending"),
    [*zip(DIALECTS, ("", ".gz", ".xz") * 3, strict=False), ("csv", ".gz"), ("jsonl", "")],
)
def test_a_line_has_so_many_bytes_and_no_more(
    dialect: str, ending: str, read: Any, tmp_path: Path
) -> None:
    form, changed = DIALECTS[dialect]
    encoding, fill = changed.get("encoding", "utf-8"), FILL[form]
    around = len((START[form] + END[form]).encode())
    count, rest = divmod(MOST - around, len(fill.encode()))
    line = START[form] + fill * count + " " * rest + END[form]
    if form == "csv":
        line = line[:1] + "," + "0" * (MOST - 3) + "1"
    assert len(line.encode()) == MOST
    path = tmp_path / f"rows.{form}{ending}"
    options = FormatOptions(form, max_line_size=MOST, **changed)
    after = HEAD[form].split("\n", 1)[1]

    path.write_bytes(ENDINGS[ending]((HEAD[form] + f"{line}\n" + after).encode(encoding)))
    assert read(path, options) >= 2
    for text in (f"{line} \n{after}", f"{line} ", line * 90):
        path.write_bytes(ENDINGS[ending]((HEAD[form] + text).encode(encoding)))
        with pytest.raises(
            (ValueError, tf.errors.InvalidArgumentError),
            match=rf"{path.name}` must have lines of at most max_line_size bytes\. "
            rf"Received: max_line_size={MOST} and a longer line 3\.",
        ):
            read(path, options)


@pytest.mark.parametrize("options", [{}, {"encoding": "utf-16-le"}, {"comment": "%"}])
@pytest.mark.parametrize("mark", [b"x", b"%"])
def test_no_more_than_a_line_is_held(options: Any, mark: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write("user\n7\n".encode(options.get("encoding", "utf-8")))
        for _ in range(48):
            file.write(mark * (1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="and a longer line 3"):
            all_rows(path, FormatOptions("csv", max_line_size=1 << 20, **options))
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
