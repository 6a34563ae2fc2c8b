"""Small trained models, and what is in them by the value of an id."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import tfrs_afm
from tfrs_afm import optimizers

fc = tf.feature_column
DIM = 3


def model_of(columns: Sequence[Any], optimizer: Any = None, kind: str = "DeepFM") -> Any:
    """A compiled model over columns; eager, since tracing would take most of the time."""
    if kind == "DeepFM":
        model = tfrs_afm.models.DeepFM(columns, units=[5, 4], dim=DIM)
    else:
        model = tfrs_afm.models.AFM(columns, attention_units=4, dim=DIM)
    model.compile(optimizer or optimizers.Adam(0.05), run_eagerly=True)
    return model


def train(model: Any, features: dict[str, Any], steps: int = 3) -> None:
    rows = next(iter(features.values())).shape[0]
    labels = (np.arange(rows) % 2).astype(np.float32)[:, None]
    for _ in range(steps):
        model.train_step((features, tf.constant(labels)))


def table_of(model: Any, name: str) -> np.ndarray:
    return model.embedding.tables[name].embedding_weights.numpy()


def slots_of(model: Any, variable: Any) -> dict[str, np.ndarray]:
    """The slots of a variable, found by the variable's name in the slots' own."""
    ending = "/" + variable.name.partition(":")[0]
    slots = [(slot.name.partition(":")[0], slot) for slot in model.optimizer.variables]
    return {
        name.removesuffix(ending).rpartition("/")[2]: slot.numpy()
        for name, slot in slots
        if name.endswith(ending)
    }


def check_rows(
    old: Any, new: Any, name: str, pairs: Sequence[tuple[int, int]], initial: np.ndarray
) -> None:
    """Rows of pairs (old row, new row) are equal, slots too; the others are as they were made."""
    before, after = old.embedding.tables[name], new.embedding.tables[name]
    was, now = before.embedding_weights.numpy(), after.embedding_weights.numpy()
    known = {row for _, row in pairs}
    for source, row in pairs:
        np.testing.assert_array_equal(now[row], was[source])
    fresh = [row for row in range(len(now)) if row not in known]
    np.testing.assert_array_equal(now[fresh], initial[fresh])
    slots = slots_of(old, before.embedding_weights), slots_of(new, after.embedding_weights)
    assert slots[0].keys() == slots[1].keys() != set()
    for kind, values in slots[0].items():
        for source, row in pairs:
            np.testing.assert_array_equal(slots[1][kind][row], values[source])
        assert not slots[1][kind][fresh].any()
