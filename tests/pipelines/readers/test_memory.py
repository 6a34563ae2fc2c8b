"""Rows are read in the memory of a few batches, however many there are."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.formats import FormatOptions

FORMATS = ["csv", "jsonl", "libsvm", "parquet", "tfrecord"]
BYTES = 160 << 20  # of text
GROWTH = 48 << 20  # what may be held more in the second half, where 80 MB are read
ROW = 2_000  # bytes
BATCH = 100


def rows(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        yield {"user": number, "text": f"{number:09}" * (ROW // 9), "label": number % 2}


def write(form: str, file: Path, count: int) -> None:
    """Writes rows one by one."""
    if form == "parquet":
        schema = pa.schema([("user", pa.int64()), ("text", pa.string()), ("label", pa.int64())])
        plain = {"use_dictionary": False, "compression": "none"}
        with pq.ParquetWriter(file, schema, **plain) as parquet:
            for start in range(0, count, 1000):
                some = [{**row, "user": row["user"] + start} for row in rows(1000)]
                parquet.write_table(pa.Table.from_pylist(some, schema))
        return
    if form == "tfrecord":
        with tf.io.TFRecordWriter(str(file)) as records:
            for row in rows(count):
                feature = {
                    "user": tf.train.Feature(int64_list=tf.train.Int64List(value=[row["user"]])),
                    "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[row["label"]])),
                    "text": tf.train.Feature(
                        bytes_list=tf.train.BytesList(value=[row["text"].encode()])
                    ),
                }
                one = tf.train.Example(features=tf.train.Features(feature=feature))
                records.write(one.SerializeToString())
        return
    with file.open("w", newline="") as text:
        if form == "csv":
            table = csv.DictWriter(text, ["user", "text", "label"])
            table.writeheader()
            table.writerows(rows(count))
        for row in rows(count) if form != "csv" else ():
            if form == "jsonl":
                text.write(json.dumps(row) + "\n")
            else:
                # Long numbers: reading one takes Python as long as reading a short one.
                ids = " ".join(f"{one}:{one:0195}" for one in range(1, ROW // 200 + 1))
                text.write(f"{row['label']} {ids}\n")


def resident() -> int:
    """Bytes of memory that this process holds, but for files that are mapped."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) << 10


def main(form: str, file: Path) -> None:
    """Reads all rows and writes by how much memory was held more in their second half."""
    name = "feature_ids" if form == "libsvm" else "text"
    dtype = tf.int64 if form == "libsvm" else tf.string
    spec = {name: tf.io.VarLenFeature(dtype)}
    batches = Batches([file], FormatOptions(form), spec, BatchOptions(batch_size=BATCH))
    held, read = [], 0
    for features, labels in batches():
        assert features[name].dense_shape[0] == labels.shape[0]
        read += int(labels.shape[0])
        held.append(resident())
    half = len(held) // 2
    sys.stdout.write(f"{read} {max(held[half:]) - max(held[:half])}\n")


@pytest.mark.long
@pytest.mark.parametrize("form", FORMATS)
def test_memory_does_not_grow_with_the_rows(form: str, tmp_path: Path) -> None:
    file, count = tmp_path / f"rows.{form}", BYTES // ROW // 1000 * 1000
    write(form, file, count)
    assert file.stat().st_size > 3 * GROWTH
    done = subprocess.run(
        [sys.executable, "-m", "tests.pipelines.readers.test_memory", form, str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    read, growth = map(int, done.stdout.split())
    assert read == count
    assert growth < GROWTH


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
