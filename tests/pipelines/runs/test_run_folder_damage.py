"""A file of a run that was damaged since is an error that names it."""

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipelines.evaluation.feature_values import read_features
from pipelines.files.atomic import read_json
from pipelines.preparation.feature_spec import Feature, FeatureSpec
from pipelines.reporting.gather_contents import _history
from pipelines.runs.run_folder import RunFolder
from pipelines.training.checkpoints import Checkpoints, RunState

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


SPEC = FeatureSpec(
    "recipe",
    "0" * 64,
    {"history": 50},
    "label",
    "user",
    {
        "label": Feature("label", "int64", "fixed", "liked"),
        "user": Feature("user", "string", "fixed", "a name", default="nobody"),
        "tags": Feature("tags", "string", "variable", "a list", values_of="tag"),
    },
    {"train": FeatureSpec.Part(("train-0",), 10, 4, 100, 200)},
    {"vocabulary(tags)": ["a"], "num_ids(user)": 3},
    "weight",
)
OTHERS: list[Any] = [3, -1, None, 0.5, "../x", True, [3], {"x": [3]}, 10**400]
OPEN = {"settings", "recipe", "key", "description", "first_time", "last_time", "positives"}
"""Keys whose values are not looked at any closer, or may be another of `OTHERS`."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all values of JSON, but those inside of `OPEN`."""
    yield path
    keys = value if isinstance(value, dict) else range(len(value) if type(value) is list else 0)
    for key in keys:
        if key not in OPEN:
            yield from places(value[key], (*path, key))


def test_a_description_with_a_value_of_another_kind_is_named(tmp_path: Path) -> None:
    SPEC.write(tmp_path)
    file = tmp_path / FeatureSpec.FILE
    written = json.loads(file.read_text())
    tried = 0
    for path in places(written):
        for other in OTHERS:
            content = at = {"": copy.deepcopy(written)}
            *way, last = ("", *path)
            for key in way:
                at = at[key]
            if isinstance(other, type(at[last])) and other is not True and last != 0:
                continue  # another value, which may be as well
            if (last, other) in [("group", None), ("weight", None), ("values_of", None)]:
                continue
            if last == "default" or (path[:1] == ("fitted",) and not isinstance(other, bool)):
                continue  # of several kinds
            at[last] = other
            file.write_text(json.dumps(content[""]))
            with pytest.raises(ValueError, match=rf"`{file}` must "):
                FeatureSpec.read(tmp_path)
            tried += 1
    assert tried > 150


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/b", "..", ".", "", "a\0b", "a\\b"])
def test_a_description_does_not_lead_out_of_its_folder(name: str, tmp_path: Path) -> None:
    SPEC.write(tmp_path)
    file = tmp_path / FeatureSpec.FILE
    content = json.loads(file.read_text())
    content["parts"]["train"]["files"] = [name]
    file.write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match=r"feature_spec\.json` must be as .* for parts\.train\.files\.0"
    ):
        FeatureSpec.read(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("run.json", {"prepared": 3}, "prepared"),
        ("run.json", {"model_sha256": ["0"]}, "model_sha256"),
        ("run.json", {"versions": "2"}, "versions"),
        ("metrics.json", {"test": 3}, "test"),
        ("metrics.json", {"test": {"AFM": {"auc": 0.5}}}, "test.AFM.auc"),
        ("metrics.json", {"test": {"AFM": {"auc": {"low": 0.5}}}}, "test.AFM.auc.value"),
    ],
)
def test_a_value_of_another_kind_is_named(
    name: str, content: Any, key: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(json.dumps(content))
    with pytest.raises(ValueError, match=rf"{name}` must be as it was written.* for {key}: "):
        READERS[name](tmp_path)


@pytest.mark.parametrize("name", ["run.json", "metrics.json"])
def test_a_folder_in_place_of_a_file_is_not_taken_for_none(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(OSError, match=name):
        READERS[name](tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"epoch": 0, "step": "1"}', '{"epoch": 0'])
def test_a_learning_curve_that_is_none_is_named(content: str, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    with pytest.raises(OSError, match=r"history\.jsonl"):
        _history(file)
    file.write_text(f"{content}\n" if content else "")
    with pytest.raises(ValueError, match=rf"`{file}` must be as it was written"):
        _history(file)


SUMS = '{"state.json": 3}', "{}", "[]", "3", "null", "", '{"other": "0"}', "\x00"


@pytest.mark.matrix
@pytest.mark.parametrize("file", ["checksums.json", "state.json"])
@pytest.mark.parametrize("content", SUMS)
def test_a_checkpoint_with_other_json_is_damaged(content: str, file: str, tmp_path: Path) -> None:
    number = tf.Variable(1.0)
    tensors = tf.train.Checkpoint(number=number)
    kept = Checkpoints(tmp_path, tensors, tensors, keep=2)
    kept.save(RunState(step=1))
    number.assign(2.0)
    kept.save(RunState(step=2))
    (tmp_path / "step-000000000002" / file).write_text(content)
    with pytest.warns(UserWarning, match=r"step-0+2 is damaged: .*Going on from step-0+1"):
        assert kept.restore().step == 1
    assert number.numpy() == 1.0
    shutil.rmtree(tmp_path / "step-000000000001")
    with pytest.raises(ValueError, match=rf"folder={tmp_path}: Checkpoint step-0+2 is damaged"):
        kept.restore()
    kept.save(RunState(step=3))  # what is damaged hinders no other
