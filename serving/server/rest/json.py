"""JSON as TensorFlow Serving reads and writes it: documents, numbers, answers."""

import base64
import json
import math
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from serving.status_error import invalid
from serving.wire.tensors import NAMES, STRING, dtype_number, to_array

_DEBUG_BYTES = 256


def _number(text: str) -> int | float:
    """Integers beyond 64 bits become floats, as in the server's parser."""
    if len(text) < 21 and -(2**63) <= int(text) < 2**64:
        return int(text)
    return _decimal(text)


def _decimal(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("Number too big to be stored in double.")
    return value


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of two values for a key, the server's parser finds the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        found = {}
        for key, value in pairs:
            found.setdefault(key, value)
    return found


# Python's own conversions are several times as fast as a call for each number. They differ from
# the server's for integers of more than 18 digits and for what no double holds.
_FAST = json.JSONDecoder(object_pairs_hook=_first_wins)
_EXACT = json.JSONDecoder(parse_int=_number, parse_float=_decimal, object_pairs_hook=_first_wins)
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")


def _decoder(body: bytes) -> json.JSONDecoder:
    digits = body.translate(_DIGITS, b"+")
    return _EXACT if b"0" * 19 in digits or b"e000" in digits else _FAST


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object at the beginning of a request; what follows it is ignored.

    Bytes that are not UTF-8 stay what they are, as surrogates.

    Raises:
        StatusError: INVALID_ARGUMENT if there is none.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    text = body.decode("utf-8", "surrogateescape").lstrip(" \t\r\n")
    try:
        value, _ = _decoder(body).raw_decode(text)
    except json.JSONDecodeError as error:
        raise invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except (ValueError, OverflowError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
    except RecursionError as error:
        raise invalid("JSON Parse error: The document is nested too deeply") from error
    if not isinstance(value, dict):
        raise invalid(f"{debug(value)} Is not object")
    return value


def debug(value: Any) -> str:
    """A JSON value as error messages show it, cut after 256 bytes."""
    parts: list[str] = []
    size = 0
    encoder = json.JSONEncoder(indent=None, allow_nan=True, separators=(", ", ": "))
    try:
        for part in encoder.iterencode(value):
            parts.append(part)
            size += len(part)
            if size >= _DEBUG_BYTES:
                break
    except RecursionError:
        parts.append("...")
    return "JSON Value: " + "".join(parts)[: 2 * _DEBUG_BYTES]


def type_name(value: Any) -> str:
    """The server's word for a JSON value's type."""
    if value is None:
        return "Null"
    if isinstance(value, bool):
        return str(value)
    for kind, name in ((dict, "Object"), (list, "Array"), (str, "String")):
        if isinstance(value, kind):
            return name
    return "Number"


def float_text(value: float, *, single: bool = True) -> str:
    """A float as the server writes it: the shortest of two forms that reads back the same.

    Args:
        value: The number.
        single: Whether it is a 32-bit float. Otherwise it is a 64-bit one.

    Example:
        >>> float_text(0.5), float_text(0.1 + 0.2, single=False), float_text(3.0)
        ('0.5', '0.30000000000000004', '3.0')
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    text = f"{value:g}"
    if single and not _same_single(text, value):
        text = f"{value:.9g}"
    elif not single and float(text) != value:
        text = f"{value:.17g}"
    return text if "." in text or "e" in text else text + ".0"


def float_texts(values: Any) -> list[str]:
    """`float_text` of each number of a vector of float32 or float64, in a few passes over all."""
    numbers = values.tolist()
    single = values.dtype == np.float32
    if not np.isfinite(values).all():
        return [float_text(number, single=single) for number in numbers]
    texts = ("%g " * len(numbers) % tuple(numbers)).split()
    with np.errstate(over="ignore"):  # rounded up past the largest float, which is not the same
        read = np.array([*map(float, texts)]).astype(values.dtype)
    precise = "%.9g" if single else "%.17g"
    for index in np.flatnonzero(read != values).tolist():
        texts[index] = precise % numbers[index]
    return [text if "." in text or "e" in text else text + ".0" for text in texts]


def _same_single(text: str, value: float) -> bool:
    try:
        return bool(struct.pack("<f", float(text)) == struct.pack("<f", value))
    except OverflowError:  # rounded up past the largest float
        return False


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
        texts = {}
        for name, array in arrays.items():
            written = ", ".join(_items(name, array))
            texts[name] = f"[{written}]" if array.ndim else written
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
    columns = {name: _items(name, array) for name, array in arrays.items()}
    if len(columns) == 1:
        return _list("predictions", next(iter(columns.values())))
    cells = zip(*columns.values(), strict=True)
    return _list("predictions", [_object(zip(columns, row, strict=True)) for row in cells])


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


def _items(name: str, array: Any) -> list[str]:
    """The texts of a tensor's items along its first dimension; one text of a scalar."""
    number = dtype_number(array.dtype)
    if number in _REFUSED:
        raise invalid(f"Failed to write JSON value for tensor type: {NAMES[number]}")
    flat = array.ravel()
    if number == STRING:
        as_bytes = name.endswith("_bytes")
        texts = [_string(item, as_bytes=as_bytes) for item in flat.tolist()]
    elif array.dtype.kind == "f":
        texts = float_texts(flat)
    else:
        texts = [json.dumps(item) for item in flat.tolist()]
    for level in range(array.ndim - 1, 0, -1):
        width, count = array.shape[level], math.prod(array.shape[:level])
        texts = [f"[{', '.join(texts[row * width : (row + 1) * width])}]" for row in range(count)]
    return texts


def _string(value: bytes, *, as_bytes: bool) -> str:
    if as_bytes:
        return f'{{"b64": "{base64.b64encode(value).decode()}"}}'
    return json.dumps(value.decode("utf-8", "replace"), ensure_ascii=False)
