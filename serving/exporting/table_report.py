"""What small tables cost: bytes, scores, and how well examples are ranked."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from serving.exporting.golden import example_of
from serving.exporting.scorer import Scorer
from serving.exporting.serving_module import ServingModule
from serving.signatures import DEFAULT_SIGNATURE
from serving.verification import VerificationError
from tfrs_afm.tasks.metrics import GroupedAUC


def table_report(module: ServingModule, golden: Mapping[str, Any]) -> dict[str, Any]:
    """Sizes, and how far the scores of golden rows are off those of the model.

    Args:
        module: What is about to be saved.
        golden: The golden request of `serving_default`.

    Returns:
        `bytes`, `bytes_float32` and `largest_score_difference`.
    """
    rows = tf.constant(golden["inputs"]["examples"])
    found = module.functions[DEFAULT_SIGNATURE](examples=rows)
    scores = [name for name in found if name != "logits"]
    differences = [np.abs(found[name].numpy() - golden["outputs"][name]).max() for name in scores]
    kept, full = module.table_bytes
    return {
        "bytes": kept,
        "bytes_float32": full,
        "largest_score_difference": float(max(differences)),
    }


def auc_report(
    module: ServingModule, scorer: Scorer, examples: Sequence[Any], label: str, most: float
) -> dict[str, Any]:
    """The AUC of examples by the model and by its small tables.

    Args:
        module: What is about to be saved.
        scorer: The model.
        examples: `tf.train.Example`s or their bytes, with their labels.
        label: The feature that is 1 in a positive example, else 0.
        most: How much less it may be.

    Returns:
        `auc` and `auc_float32`.

    Raises:
        ValueError: If an example has no label, or there are none of one class.
        VerificationError: A ValueError: if the AUC is less by more than `most`.
    """
    labels = np.array([_label(one, row, label) for row, one in enumerate(examples)])
    if len(set(labels.tolist())) != 2:
        raise ValueError(
            "`examples` must have positives and negatives for an AUC. Received: examples with the "
            f"labels {sorted(set(labels.tolist()))} of feature '{label}'. Give more of them."
        )
    kept, full = (GroupedAUC("example") for _ in range(2))
    serialized = [one if isinstance(one, bytes) else one.SerializeToString() for one in examples]
    for start in range(0, len(serialized), _BATCH):
        batch = tf.constant(serialized[start : start + _BATCH])
        some = labels[start : start + _BATCH]
        served = module.functions[DEFAULT_SIGNATURE](examples=batch)["predictions"]
        groups = tf.zeros(len(some), tf.int64)
        kept.update_state(some, served, groups=groups)
        expected = scorer.outputs(scorer.parse(batch))["predictions"]
        full.update_state(some, expected, groups=groups)
    report = {"auc": float(kept.result()), "auc_float32": float(full.result())}
    if report["auc_float32"] - report["auc"] > most:
        raise VerificationError(
            f"`tables` must cost at most {most} AUC on the examples. Received: tables with "
            f"{report['auc']:.6f}, and the model has {report['auc_float32']:.6f}. Keep the rows as "
            "float32 or float16, or allow more."
        )
    return report


_BATCH = 1024


def _label(one: Any, row: int, name: str) -> float:
    features = example_of(one).features.feature
    found = features.get(name, None)
    values = [] if found is None else [*found.int64_list.value, *found.float_list.value]
    if len(values) != 1 or values[0] not in (0, 1):
        raise ValueError(
            f"`examples` must have a label 0 or 1 in the feature '{name}'. Received: {values} in "
            f"row {row}. Name the feature of the label in `label`."
        )
    return float(values[0])
