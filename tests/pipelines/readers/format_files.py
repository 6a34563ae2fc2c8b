"""A small file of each format for each property of docs/formats.md, made without our readers."""

import dataclasses
import datetime
import gzip
import lzma
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from tensorflow_serving.apis.input_pb2 import ExampleListWithContext

RECORDS = ("tfrecord", "sequence_example", "elwc")
PAIRS = ("libsvm", "libffm")
FORMATS = ("csv", "jsonl", "parquet", *RECORDS, *PAIRS)
PACKED: Any = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}


@dataclasses.dataclass(frozen=True)
class Property:
    """What a file holds, and what must be read of it.

    `contents` are bytes, a table of Arrow, or the features of an example, by format; one that is
    not there says that the format has no such thing. `expected` is the value of `x` in each row;
    in libsvm the ids, unless `names` says otherwise.
    """

    dtype: str
    expected: list[Any]
    contents: Mapping[str, Any]
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    name: str = "x"
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    folder: str = "."
    ending: str = ""

    def name_in(self, form: str) -> str:
        """The name of the feature."""
        return self.names.get(form, "feature_ids" if form in PAIRS else self.name)

    def write(self, folder: Path, form: str) -> Path:
        """Writes the file."""
        content = self.contents[form]
        path = folder / self.folder / f"{form}{self.ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if form == "parquet":
            pq.write_table(content, path)
        elif form in RECORDS:
            with tf.io.TFRecordWriter(str(path)) as file:
                file.write(record(form, content))
        else:
            path.write_bytes(content)
        path.write_bytes(PACKED[self.ending](path.read_bytes()))
        return path


def record(form: str, features: Mapping[str, Any]) -> bytes:
    """Returns an example, sequence example or list of one example."""
    some = tf.train.Features(feature=features)
    if form == "sequence_example":
        return tf.train.SequenceExample(context=some).SerializeToString()
    example = tf.train.Example(features=some)
    if form == "elwc":
        return ExampleListWithContext(examples=[example]).SerializeToString()
    return example.SerializeToString()


def whole(*values: int) -> Any:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))


def floats(*values: float) -> Any:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def texts(*values: str | bytes) -> Any:
    encoded = [value.encode() if isinstance(value, str) else value for value in values]
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=encoded))


def one(
    csv: str | bytes | None = None,
    json: str | bytes | None = None,
    arrow: Any = None,
    feature: Any = None,
    pair: str | None = None,
) -> dict[str, Any]:
    """A file with one value in each format that has a value for it."""
    made: dict[str, Any] = {}
    if csv is not None:
        made["csv"] = b"x,y\n" + (csv if isinstance(csv, bytes) else csv.encode()) + b",0\n"
    if json is not None:
        made["jsonl"] = b'{"x": ' + (json if isinstance(json, bytes) else json.encode()) + b"}\n"
    if arrow is not None:
        made["parquet"] = pa.table({"x": arrow})
    if feature is not None:
        made |= {form: {"x": feature} for form in RECORDS}
    if pair is not None:
        made |= {"libsvm": f"1 {pair}\n".encode(), "libffm": f"1 0:{pair}\n".encode()}
    return made


def of_text(csv: bytes, json: bytes, libsvm: bytes, libffm: bytes) -> dict[str, Any]:
    return {"csv": csv, "jsonl": json, "libsvm": libsvm, "libffm": libffm}


MAX, LONG = 2**63 - 1, "é" * 200_000
WORDS = "日本 é"
NOON = datetime.datetime(2024, 2, 29, 12, tzinfo=datetime.UTC)
SECONDS = int(NOON.timestamp())
VALUES = dict.fromkeys(PAIRS, "feature_vals")
SEVEN = of_text(
    b"x,y\n7,0\n", b'{"x": 7}\n', b"1 7:1\n", b"1 0:7:1\n"
)  # what the dialects write otherwise
PLAIN = one("7", "7", pa.array([7]), whole(7), "7:1")
PROPERTIES = {
    "whole number up to 2^63 - 1": Property(
        "int64", [MAX], one(str(MAX), str(MAX), pa.array([MAX]), whole(MAX), f"{MAX}:1")
    ),
    "whole number from 2^63 on (uint64)": Property(
        "int64",
        [],
        one(str(MAX + 1), str(MAX + 1), pa.array([MAX + 1], pa.uint64()), pair=f"{MAX + 1}:1"),
    ),
    "`12.0` as a whole number": Property(
        "int64", [12], one("12.0", "12.0", pa.array([12.0]), floats(12.0), "12.0:1")
    ),
    "`12.5` as a whole number": Property(
        "int64", [], one("12.5", "12.5", pa.array([12.5]), floats(12.5), "12.5:1")
    ),
    "2^53 + 1 with a point as a whole number": Property(
        "int64",
        [2**53 + 1],
        one(
            f"{2**53 + 1}.0",
            f"{2**53 + 1}.0",
            pa.array([2.0**53]),
            floats(2.0**53),
            f"{2**53 + 1}.0:1",
        ),
    ),
    "decimal type": Property(
        "int64", [12], one(arrow=pa.array([Decimal("12.00")], pa.decimal128(9, 2)))
    ),
    "whole number as a float": Property(
        "float32", [3.0], one("3", "3", pa.array([3]), whole(3), "1:3"), names=VALUES
    ),
    "float64 as the nearest float32": Property(
        "float32", [0.1], one("0.1", "0.1", pa.array([0.1]), pair="1:0.1"), names=VALUES
    ),
    "float beyond float32": Property(
        "float32", [], one("1e39", "1e39", pa.array([1e39]), pair="1:1e39"), names=VALUES
    ),
    "NaN": Property(
        "float32",
        [None],
        one("nan", "NaN", pa.array([float("nan")]), floats(float("nan")), "1:nan"),
        names=VALUES,
    ),
    "infinity": Property(
        "float32",
        [],
        one("inf", "Infinity", pa.array([float("inf")]), floats(float("inf")), "1:inf"),
        names=VALUES,
    ),
    "no value": Property(
        "float32", [None], one("", "null", pa.array([None], pa.float64()), tf.train.Feature())
    ),
    "true and false as a number": Property("int64", [1], one("true", "true", pa.array([True]))),
    "decimal comma": Property(
        "float32", [1.5], {"csv": b"x;y\n1,5;0\n"}, {"decimal": ",", "delimiter": ";"}
    ),
    "list": Property(
        "int64",
        [[7, 8]],
        one("7|8", "[7, 8]", pa.array([[7, 8]]), whole(7, 8))
        | {"libsvm": b"1 7:1 8:1\n", "libffm": b"1 0:7:1 0:8:1\n"},
        {"lists": {"x": "|"}},
    ),
    "list of `id:weight`": Property(
        "float32",
        [[0.5, 2.0]],
        {
            "csv": b"x,y\na:b:0.5|c:2,0\n",
            "libsvm": b"1 7:0.5 8:2\n",
            "libffm": b"1 0:7:0.5 0:8:2\n",
        },
        {"lists": {"x": "|"}, "pairs": {"x": ":"}},
        name="x_vals",
        names=VALUES,
    ),
    "id without a value": Property(
        "float32",
        [[1.0, 2.0]],
        {"csv": b"x,y\na|c:2,0\n", "libsvm": b"1 7 8:2\n", "libffm": b"1 0:7 0:8:2\n"},
        {"lists": {"x": "|"}, "pairs": {"x": ":"}},
        name="x_vals",
        names=VALUES,
    ),
    "text of any script": Property(
        "string", [WORDS], one(WORDS, f'"{WORDS}"', pa.array([WORDS]), texts(WORDS))
    ),
    "bytes that are no UTF-8": Property(
        "string", [], one(b"\xff", b'"\xff"', pa.array([b"\xff"]), texts(b"\xff"))
    ),
    "value of 200,000 characters": Property(
        "string", [LONG], one(LONG, f'"{LONG}"', pa.array([LONG]), texts(LONG))
    ),
    "field of a struct": Property(
        "int64", [7], {"parquet": pa.table({"x": [{"y": {"z": 7}}]})}, name="x.y.z"
    ),
    "partition of Hive": Property(
        "int64",
        [7],
        {"parquet": pa.table({"y": [1]})},
        name="day",
        folder="day=7",
    ),
    "label in words": Property(
        "label",
        [1.0],
        one("yes", '"yes"', pa.array(["yes"]), texts("yes"))
        | {"libsvm": b"yes 7:1\n", "libffm": b"yes 0:7:1\n"},
        names=dict.fromkeys(PAIRS, "label"),
    ),
    "time as a number of 64 bits": Property(
        "time", [MAX], one(str(MAX), str(MAX), pa.array([MAX]), whole(MAX))
    ),
    "time of ISO 8601 as text": Property(
        "time",
        [SECONDS * 10**9 + 123456789],
        one(
            "2024-02-29T13:00:00.123456789+01:00",
            '"2024-02-29 12:00:00.123456789"',
            pa.array(["20240229T120000.123456789Z"]),
            texts("2024-02-29T12:00:00,123456789Z"),
        ),
    ),
    "timestamp with a zone": Property(
        "time",
        [SECONDS * 10**9 + 1],
        one(arrow=pa.array([SECONDS * 10**9 + 1], pa.timestamp("ns", "America/New_York"))),
    ),
    "date": Property(
        "time", [(SECONDS - 43200) * 10**9], one(arrow=pa.array([NOON.date()], pa.date32()))
    ),
    "group of a list": Property(
        "int64",
        [7],
        {"libsvm": b"1 qid:7 3:1\n"} | {"elwc": {"x": whole(1), "list_id": whole(7)}},
        name="list_id",
        names={"libsvm": "qid"},
    ),
    "blank lines": Property(
        "int64",
        [7, 8],
        of_text(
            b"x,y\n\n7,0\n\n\n8,0\n",
            b'\n{"x": 7}\n\n{"x": 8}\n',
            b"\n1 7:1\n\n1 8:1\n",
            b"\n1 0:7:1\n\n1 0:8:1\n",
        ),
    ),
    "lines of comment": Property(
        "int64",
        [7],
        {
            "csv": b"# first\nx,y\n#7,1\n7,0\n# last\n",
            "libsvm": b"# first\n1 7:1 # more\n",
            "libffm": b"# first\n1 0:7:1 # more\n",
        },
        {"comment": "#"},
    ),
    "byte order mark": Property(
        "int64", [7], {form: b"\xef\xbb\xbf" + text for form, text in SEVEN.items()}
    ),
    "encoding": Property(
        "int64",
        [7],
        {form: text.decode().encode("utf-16") for form, text in SEVEN.items()},
        {"encoding": "utf-16"},
    ),
    "delimiter of several characters": Property(
        "int64", [7], {"csv": b"x::y\n7::0\n"}, {"delimiter": "::", "quoting": False}
    ),
    "no quoting": Property("string", ['"7'], {"csv": b'x,y\n"7,0\n'}, {"quoting": False}),
    "`.gz`": Property("int64", [7], PLAIN, ending=".gz"),
    "`.xz`": Property("int64", [7], PLAIN, ending=".xz"),
}
