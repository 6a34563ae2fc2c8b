"""The same rows in a file of each format, written without the project's own code."""

import bz2
import gzip
import json
import lzma
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from pipelines.readers.formats import FormatOptions

DTYPES = {
    "label": "int64",
    "weight": "float32",
    "user": "int64",
    "word": "string",
    "age": "float32",
    "tags": "string",
    "history": "int64",
    "days": "float32",
}
LISTS = {"tags": "|", "history": " ", "days": ";"}
OPTIONS = {
    "csv": FormatOptions("csv", lists=LISTS),
    "jsonl": FormatOptions("jsonl"),
    "parquet": FormatOptions("parquet"),
    "tfrecord": FormatOptions("tfrecord"),
    "sequence_example": FormatOptions("sequence_example"),
}
ENDINGS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def row(n: int) -> dict[str, Any]:
    """Row n: a value and a list of each type, with holes."""
    return {
        "label": n % 2,
        "weight": 0.5 + n % 3,
        "user": n,
        "word": None if n % 4 == 0 else f'é, "{n}"\nnext',
        "age": None if n % 5 == 0 else n / 4,
        "tags": [f"tag {k}" for k in range(n % 3)],
        "history": list(range(n, n + n % 4)),
        "days": [k / 8 for k in range(n % 2)],
    }


def as_values(value: Any) -> list[Any]:
    """No value, one value or a list as a list: what formats write differently and mean alike."""
    return [] if value is None else value if isinstance(value, list) else [value]


def write(path: Path, form: str, rows: Iterable[dict[str, Any]]) -> Path:
    """Writes rows; a last ending of the name says how they are compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = list(rows)
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows, schema=_schema()), path, row_group_size=7)
    elif form in ("tfrecord", "sequence_example"):
        compression = "GZIP" if path.suffix == ".gz" else ""
        with tf.io.TFRecordWriter(str(path), compression) as file:
            for one in rows:
                file.write(_example(one) if form == "tfrecord" else _sequence(one))
    else:
        text = _csv(rows) if form == "csv" else "".join(json.dumps(one) + "\n" for one in rows)
        path.write_bytes(ENDINGS.get(path.suffix, bytes)(text.encode()))
    return path


def _cell(name: str, value: Any) -> str:
    text = LISTS.get(name, "").join(str(one) for one in as_values(value))
    return '"' + text.replace('"', '""') + '"'


def _csv(rows: list[dict[str, Any]]) -> str:
    lines = [",".join(_cell(name, one[name]) for name in DTYPES) for one in rows]
    return "\r\n".join([",".join(DTYPES), *lines]) + "\r\n"


def _schema() -> pa.Schema:
    types = {"int64": pa.int64(), "float32": pa.float64(), "string": pa.string()}
    return pa.schema(
        [
            (name, pa.list_(types[dtype]) if name in LISTS else types[dtype])
            for name, dtype in DTYPES.items()
        ]
    )


def _feature(name: str, value: Any) -> tf.train.Feature:
    values = as_values(value)
    if DTYPES[name] == "int64":
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    if DTYPES[name] == "float32":
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    encoded = [one.encode() for one in values]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))


def _features(one: dict[str, Any]) -> tf.train.Features:
    present = {name: value for name, value in one.items() if value is not None}
    return tf.train.Features(feature={name: _feature(name, v) for name, v in present.items()})


def _example(one: dict[str, Any]) -> bytes:
    return tf.train.Example(features=_features(one)).SerializeToString()


def _sequence(one: dict[str, Any]) -> bytes:
    context = {name: value for name, value in one.items() if name not in LISTS}
    lists = {
        name: tf.train.FeatureList(feature=[_feature(name, step) for step in one[name]])
        for name in LISTS
    }
    return tf.train.SequenceExample(
        context=_features(context), feature_lists=tf.train.FeatureLists(feature_list=lists)
    ).SerializeToString()
