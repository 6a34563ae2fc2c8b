"""Warm-up records of an export."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from serving.records import write_records
from serving.server.methods import DEFAULT_SIGNATURE
from serving.server.warmup import WARMUP_FILE
from serving.wire.tensors import fill_content

_ROWS = 2

_SCORED = (DEFAULT_SIGNATURE, "tensors")
"""Signatures of which clients often want the predictions alone."""


def write_warmup(folder: Path, requests: Mapping[str, Any]) -> None:
    """Writes one record per signature and per set of outputs that clients ask for.

    The first request for each set of outputs takes a hundred times as long as a later one; the
    server sends these before anybody else's. They also keep a server from taking a version whose
    variables are not there.

    Args:
        folder: The SavedModel.
        requests: Golden requests by signature.
    """
    file = folder / WARMUP_FILE
    file.parent.mkdir(exist_ok=True)
    write_records(file, (log.SerializeToString() for log in _logs(requests)))


def _logs(requests: Mapping[str, Any]) -> Iterator[Any]:
    for key in (DEFAULT_SIGNATURE, "rank", "tensors", "explain"):
        if key not in requests:
            continue
        golden = requests[key]
        subsets = [["predictions"]] if len(golden["outputs"]) > 1 and key in _SCORED else []
        for wanted in [[], *subsets]:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.signature_name = key
            request.output_filter.extend(wanted)
            for name, rows in golden["inputs"].items():
                fill_content(request.inputs[name], _sendable(rows[:_ROWS]))
            yield log
    rows = requests["regression"]["inputs"]["inputs"][:_ROWS]
    examples = [tf.train.Example.FromString(row) for row in rows]
    keys = [key for key in ("classification", "regression") if key in requests]
    for key in keys:
        log = prediction_log_pb2.PredictionLog()
        method = {"classification": "classify", "regression": "regress"}[key]
        request = getattr(log, f"{method}_log").request
        request.model_spec.signature_name = key
        request.input.example_list.examples.extend(examples)
        yield log
    log = prediction_log_pb2.PredictionLog()
    both = log.multi_inference_log.request
    for key in keys:
        method = {"classification": "classify", "regression": "regress"}[key]
        task = both.tasks.add(method_name=f"tensorflow/serving/{method}")
        task.model_spec.name = "model"
        task.model_spec.signature_name = key
    both.input.example_list.examples.extend(examples)
    yield log


def _sendable(rows: Any) -> Any:
    """Golden ids are kept as objects; on the wire they have their own type."""
    ids = rows.dtype == object and rows.size and not isinstance(rows.ravel()[0], bytes)
    return rows.astype("int64") if ids else rows
