"""What a run wrote, for comparison."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf


def tensors(folder: Path) -> dict[str, Any]:
    """Every number of the last checkpoint: weights, slots, averages, metrics, step."""
    last = max((folder / "checkpoints").glob("step-*"))
    reader = tf.train.load_checkpoint(str(last / "tensors"))
    found = {
        name: np.asarray(reader.get_tensor(name)) for name in reader.get_variable_to_shape_map()
    }
    return {name: value for name, value in found.items() if value.dtype.kind in "fiu"}


def curve(folder: Path) -> list[dict[str, float]]:
    """The learning curve without what depends on the clock and the machine."""
    aside = {"seconds", "examples_per_second", "step_seconds", "input_wait", "kernels"}
    lines = (folder / "history.jsonl").read_text().splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if name not in aside}
        for line in lines
    ]


def difference(one: Path, other: Path) -> float:
    """The largest difference of any weight, slot, average or metric of two runs."""
    here, there = tensors(one), tensors(other)
    assert here.keys() == there.keys()
    apart = [
        np.abs(value.astype(np.float64) - there[name].astype(np.float64)).max(initial=0.0)
        for name, value in here.items()
    ]
    for record, same in zip(curve(one), curve(other), strict=True):
        assert record.keys() == same.keys()
        apart += [abs(value - same[name]) for name, value in record.items()]
    return float(max(apart))
