"""A small log of events: rows, files of them, settings, and examples read back."""

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.events.settings import EventSettings
from pipelines.preparation.feature_spec import FeatureSpec

Feature = EventSettings.Feature
FEATURES = {
    "user": Feature(dtype="int64", fit="num_ids"),
    "film": Feature(dtype="string", fit="vocabulary", min_count=2),
    "price": Feature(dtype="float32", fit="bounds", num_buckets=5, default=1.0),
    "tags": Feature(dtype="string", kind="variable", fit="vocabulary"),
}


def settings(files: str | list[str], **changes: Any) -> EventSettings:
    values: dict[str, Any] = {
        "files": files,
        "format": "csv",
        "lists": {"tags": "|"},
        "user": "user",
        "item": "film",
        "time": "at",
        "label": "stars",
        "positive_from": 4,
        "features": FEATURES,
        "item_features": ("price",),
        "history": 4,
        "max_events": 30,
        "num_shards": 2,
    }
    values.update(changes)
    if values["format"] != "csv":
        del values["lists"]
    return EventSettings(**values)


def log(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Random events; few times, so that many are at once, and user 0 is a robot."""
    draw = random.Random(seed)
    return [
        {
            "user": draw.choice([0, 0, 0, 1, 2, 3, 4, 5]),
            "film": f"film {draw.randrange(12)}",
            "at": draw.randrange(60) * 43200,
            "stars": draw.randrange(1, 6),
            "price": draw.randrange(40) / 4,
            "tags": draw.sample(["new", "old", "äöü"], draw.randrange(3)),
        }
        for _ in range(count)
    ]


def csv_line(row: dict[str, Any]) -> str:
    cells = [row["user"], f'"{row["film"]}"', row["at"], row["stars"], row["price"]]
    return ",".join([*map(str, cells), "|".join(row["tags"])]) + "\n"


HEADER = "user,film,at,stars,price,tags\n"


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text(HEADER + "".join(map(csv_line, rows)), encoding="utf-8")


def write_jsonl(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def read(folder: Path, part: str) -> list[dict[str, Any]]:
    """The examples of a part, parsed by TensorFlow into plain values, and sorted."""
    spec = FeatureSpec.read(folder)
    found = []
    for file in spec.files(folder, part):
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            features = tf.train.Example.FromString(record).features.feature
            row: dict[str, Any] = {}
            for name, feature in spec.features.items():
                kind = features[name].WhichOneof("kind")
                values = list(getattr(features[name], kind).value) if kind else []
                values = [one.decode() if isinstance(one, bytes) else one for one in values]
                row[name] = values if feature.kind == "variable" else values[0]
            found.append(row)
    return sorted(found, key=repr)


def multiset(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(json.dumps(row, sort_keys=True) for row in rows)


def as_float32(row: dict[str, Any]) -> dict[str, Any]:
    """The row as an example can hold it."""

    def rounded(value: float) -> float:
        return float(tf.constant(value, tf.float32).numpy())

    ages = [rounded(age) for age in row["history_age"]]
    return {**row, "price": rounded(row["price"]), "history_age": ages}
