"""A file of a run that was damaged since is an error that names it."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipelines.evaluation.feature_values import read_features
from pipelines.files.atomic import read_json
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.runs.run_folder import RunFolder

WRITTEN = b'{"model": "AFM", "values": [1, 2]}\n'
DAMAGE = {
    "half": WRITTEN[: len(WRITTEN) // 2],
    "empty": b"",
    "no text": b"\x80\xff\x00" * 9,
    "a list": b"[1]",
    "a number": b"3",
    "null": b"null",
}
READERS: dict[str, Callable[[Path], Any]] = {
    "run.json": lambda folder: RunFolder(folder).run,
    "metrics.json": lambda folder: RunFolder(folder).metrics,
    "feature_spec.json": FeatureSpec.read,
    "any.json": lambda folder: read_json(folder / "any.json"),
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("name", READERS)
def test_json_that_is_not_as_it_was_written_is_named(name: str, kind: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(DAMAGE[kind])
    with pytest.raises(ValueError, match=rf"{name}` must be as it was written"):
        READERS[name](tmp_path)


@pytest.mark.parametrize(
    ("place", "record"),
    [(0, 0), (9, 0), (60, 1), (-5, 4)],
    ids=["header", "sum", "record", "end"],
)
def test_a_damaged_split_is_named(place: int, record: int, tmp_path: Path) -> None:
    paths = [tmp_path / f"train-{number}.tfrecord" for number in range(2)]
    for path in paths:
        with tf.io.TFRecordWriter(str(path)) as writer:
            for number in range(5):
                values = tf.train.Int64List(value=[number])
                features = {"item": tf.train.Feature(int64_list=values)}
                example = tf.train.Example(features=tf.train.Features(feature=features))
                writer.write(example.SerializeToString())
    spec: Any = SimpleNamespace(
        features={"item": SimpleNamespace(dtype="int64")}, files=lambda folder, part: paths
    )
    found = read_features(spec, tmp_path, "train", ["item"])
    np.testing.assert_array_equal(found["item"], [*range(5), *range(5)])
    content = bytearray(paths[1].read_bytes())
    content[place] ^= 0xFF
    paths[1].write_bytes(content)
    said = rf"train-1\.tfrecord` must be whole TFRecord.* a fault in record {record}"
    with pytest.raises(ValueError, match=said):
        read_features(spec, tmp_path, "train", ["item"])
