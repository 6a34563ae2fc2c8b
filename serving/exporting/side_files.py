"""What lies beside the graph of an export: its sidecar and its warm-up requests."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

import tfrs_afm
from serving.exporting.ranker import Ranker
from serving.exporting.scorer import Scorer
from serving.exporting.serving_module import ServingModule
from serving.sidecar import FORMAT, SIDECAR_FILE, WARMUP_FILE, to_json
from serving.signatures import DEFAULT_SIGNATURE, signature_kind
from serving.wire.records import write_records
from serving.wire.tensors import NAMES, fill_content


def write_sidecar(
    folder: Path,
    module: ServingModule,
    scorers: Mapping[str, Scorer],
    rankers: Mapping[str, Ranker],
    requests: Mapping[str, Any],
    tolerance: float,
    tables: Mapping[str, Any],
) -> None:
    """Writes what clients and verifiers must know and the SavedModel does not say.

    Args:
        folder: The SavedModel.
        module: What was saved.
        scorers: The model, by task.
        rankers: How it ranks, by task.
        requests: Golden requests and answers by signature.
        tolerance: How far an answer may be off, relative to the larger of 1 and the answer.
        tables: How rows of tables are kept, and what that does to size and scores.
    """
    scorer, ranker = next(iter(scorers.values())), next(iter(rankers.values()))
    schema: dict[str, Any] = {
        "features": {key: _feature(key, scorer, ranker) for key in sorted(scorer.spec)},
        "signatures": _signatures(module),
        "rank": {
            "candidates": "ids" if ranker.ids else "examples",
            "candidate_features": ranker.candidate_features,
        },
        "tensors": {
            key: {"input": name, "length": module.raw.lengths.get(key)}
            for key, name in module.raw.inputs.items()
        },
    }
    if scorer.output:
        schema["tasks"] = list(scorers)
    content = {
        "format": FORMAT,
        "model": type(scorer.model).__name__,
        "versions": {"tfrs_afm": tfrs_afm.__version__, "tensorflow": tf.__version__},
        **schema,
        "tables": tables,
        "vocabularies": _vocabularies(folder, scorer),
        "schema_hash": _hash(json.dumps(schema, sort_keys=True).encode()),
        "golden": {"tolerance": tolerance, "requests": _golden(requests)},
    }
    file = folder / SIDECAR_FILE
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n", encoding="utf-8")


def _feature(key: str, scorer: Scorer, ranker: Ranker) -> dict[str, Any]:
    feature = scorer.spec[key]
    fixed = isinstance(feature, tf.io.FixedLenFeature)
    numbers = None
    if fixed and feature.default_value is not None:
        numbers = tf.constant(feature.default_value).numpy()
    default = None if numbers is None else _json_default(numbers)
    side = "both"
    if ranker.candidate_features is not None:
        side = "candidate" if key in ranker.candidate_features else "context"
    return {
        "dtype": NAMES[feature.dtype.as_datatype_enum],
        "shape": list(tf.TensorShape(feature.shape).as_list()) if fixed else None,
        "default": default,
        "required": fixed and numbers is None,
        "masks_missing": feature.dtype.is_floating,
        "side": side,
    }


def _json_default(numbers: Any) -> Any:
    """A default as JSON; null for NaN, which is no default: a number that is missing is masked."""
    if numbers.dtype.kind == "f":
        numbers = np.where(np.isnan(numbers), None, numbers.astype(object))
        return None if all(one is None for one in numbers.ravel()) else numbers.tolist()
    return to_json(numbers)


def _signatures(module: ServingModule) -> dict[str, Any]:
    described = {}
    for key, function in module.functions.items():
        specs = tf.nest.flatten(function.structured_input_signature)
        inputs = {spec.name: _tensor(spec) for spec in specs}
        outputs = {name: _tensor(one) for name, one in function.structured_outputs.items()}
        described[key] = {
            "method_name": module.method_names[key],
            "inputs": inputs,
            "outputs": outputs,
        }
    return described


def _tensor(spec: Any) -> dict[str, Any]:
    return {"dtype": NAMES[spec.dtype.as_datatype_enum], "shape": spec.shape.as_list()}


def _vocabularies(folder: Path, scorer: Scorer) -> dict[str, str]:
    """Hashes of vocabularies: of files by file name, of lists by column name."""
    found = {
        f"assets/{file.name}": _hash(file.read_bytes())
        for file in sorted((folder / "assets").glob("*"))
    }
    waiting = [column for embedding in scorer.embeddings for column in embedding.columns]
    while waiting:
        column = waiting.pop()
        if hasattr(column, "vocabulary_list"):
            words = json.dumps(to_json(list(column.vocabulary_list))).encode()
            found[column.name] = _hash(words)
        waiting += [parent for parent in column.parents if not isinstance(parent, str)]
    return found


def _golden(requests: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: {
            side: {name: to_json(rows) for name, rows in one[side].items()}
            for side in ("inputs", "outputs")
        }
        for key, one in requests.items()
    }


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


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
    methods = {"classification": "classify", "regression": "regress"}
    asked = {key: kind for key in sorted(requests) if (kind := signature_kind(key)) in methods}
    for key, golden in requests.items():
        if key in asked:
            continue
        subsets = []
        if len(golden["outputs"]) > 1 and key in _SCORED:
            several = "predictions" not in golden["outputs"]
            subsets = [[one] for one in golden["outputs"] if several or one == "predictions"]
        for wanted in [[], *subsets]:
            log = prediction_log_pb2.PredictionLog()
            request = log.predict_log.request
            request.model_spec.signature_name = key
            request.output_filter.extend(wanted)
            for name, rows in golden["inputs"].items():
                fill_content(request.inputs[name], _sendable(rows[:_ROWS]))
            yield log
    rows = requests[next(iter(asked))]["inputs"]["inputs"][:_ROWS]
    examples = [tf.train.Example.FromString(row) for row in rows]
    for key, kind in asked.items():
        log = prediction_log_pb2.PredictionLog()
        method = methods[kind]
        request = getattr(log, f"{method}_log").request
        request.model_spec.signature_name = key
        request.input.example_list.examples.extend(examples)
        yield log
    log = prediction_log_pb2.PredictionLog()
    both = log.multi_inference_log.request
    for key, kind in asked.items():
        task = both.tasks.add(method_name=f"tensorflow/serving/{methods[kind]}")
        task.model_spec.name = "model"
        task.model_spec.signature_name = key
    both.input.example_list.examples.extend(examples)
    yield log


def _sendable(rows: Any) -> Any:
    """Golden ids are kept as objects; on the wire they have their own type."""
    ids = rows.dtype == object and rows.size and not isinstance(rows.ravel()[0], bytes)
    return rows.astype("int64") if ids else rows
