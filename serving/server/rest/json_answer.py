"""Answers as JSON text."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from serving.server.errors import invalid
from serving.server.rest.json_text import float_text
from serving.wire.dtypes import NAMES, STRING, dtype_number
from serving.wire.tensors import to_array

_REFUSED = (8, 17, 18, 19)


def predict_json(outputs: Any, *, rows: bool) -> str:
    """The JSON of a PredictResponse's tensors.

    Args:
        outputs: TensorProtos by name.
        rows: Whether to answer one item an instance. Otherwise one an output.

    Raises:
        StatusError: INVALID_ARGUMENT if JSON cannot hold the outputs, or rows are asked for and
            the outputs' first dimensions differ.
    """
    arrays = {name: to_array(proto) for name, proto in sorted(outputs.items())}
    if not arrays:
        raise invalid("Cannot convert empty tensor map to JSON")
    if not rows:
        texts = {name: _tensor(name, array) for name, array in arrays.items()}
        body = _object(texts.items()) if len(texts) > 1 else next(iter(texts.values()))
        return f'{{\n    "outputs": {body}\n}}'
    size = -1
    for name, array in arrays.items():
        if not array.ndim:
            raise invalid(f"Tensor name: {name} has no shape information ")
        if size not in (-1, array.shape[0]):
            raise invalid(
                f"Tensor name: {name} has inconsistent batch size: {array.shape[0]} "
                f"expecting: {size}"
            )
        size = array.shape[0]
    items = []
    for row in range(size):
        cells = {name: _tensor(name, array[row]) for name, array in arrays.items()}
        items.append(_object(cells.items()) if len(cells) > 1 else next(iter(cells.values())))
    return _list("predictions", items)


def classify_json(result: Any) -> str:
    """The JSON of a ClassificationResult: pairs of label and score for each example."""
    items = []
    for one in result.classifications:
        pairs = (f"[{json.dumps(c.label)}, {float_text(c.score)}]" for c in one.classes)
        items.append(f"[{', '.join(pairs)}]")
    return _list("results", items)


def regress_json(result: Any) -> str:
    """The JSON of a RegressionResult: a number for each example."""
    return _list("results", [float_text(one.value) for one in result.regressions])


def error_json(message: str) -> str:
    """The JSON of an error."""
    return f'{{\n    "error": {json.dumps(message)}\n}}'


def _list(key: str, items: list[str]) -> str:
    return f'{{\n    "{key}": [{", ".join(items)}\n    ]\n}}'


def _object(items: Iterable[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in items) + "}"


def _tensor(name: str, array: Any) -> str:
    values = np.asarray(array)
    number = dtype_number(values.dtype)
    if number in _REFUSED:
        raise invalid(f"Failed to write JSON value for tensor type: {NAMES[number]}")
    if number == STRING:
        as_bytes = name.endswith("_bytes")
        return _nested(array, lambda item: _string(item, as_bytes=as_bytes))
    if values.dtype.kind == "f":
        single = values.dtype == np.float32
        return _nested(values.tolist(), lambda item: float_text(item, single=single))
    return json.dumps(values.tolist())


def _nested(value: Any, write: Any) -> str:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list):
        return "[" + ", ".join(_nested(item, write) for item in value) + "]"
    return str(write(value))


def _string(value: bytes, *, as_bytes: bool) -> str:
    if as_bytes:
        return f'{{"b64": "{base64.b64encode(value).decode()}"}}'
    return json.dumps(value.decode("utf-8", "replace"), ensure_ascii=False)
