"""JSON as TensorFlow Serving reads and writes it: text, tensors, answers."""

import base64
import binascii
import json
import math
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from serving.status_error import Code, StatusError, invalid
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


_DECODER = json.JSONDecoder(parse_int=_number, parse_float=_decimal)


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
        value, _ = _DECODER.raw_decode(text)
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


def _same_single(text: str, value: float) -> bool:
    try:
        return bool(struct.pack("<f", float(text)) == struct.pack("<f", value))
    except OverflowError:  # rounded up past the largest float
        return False


_INTEGERS = {
    3: ("int_val", -(2**31), 2**31 - 1),
    4: ("int_val", -(2**31), 2**31 - 1),
    5: ("int_val", -(2**31), 2**31 - 1),
    6: ("int_val", -(2**31), 2**31 - 1),
    9: ("int64_val", -(2**63), 2**63 - 1),
    22: ("uint32_val", 0, 2**32 - 1),
    23: ("uint64_val", 0, 2**64 - 1),
}
_FLOATS = {1: "float_val", 2: "double_val"}


def is_base64(value: Any) -> bool:
    """Whether a JSON value is `{"b64": "..."}`, which stands for bytes."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def decode_base64(value: Any) -> bytes:
    """The bytes of `{"b64": "..."}`, with or without padding.

    Raises:
        StatusError: INVALID_ARGUMENT if the text is not base64.
    """
    text = "".join(value["b64"].split())
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid("Unable to base64 decode") from error


def shape_of(value: Any) -> list[int]:
    """The shape that a nested list has along its first elements."""
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def add_values(value: Any, level: int, shape: list[int], tensor: Any) -> int:
    """Appends a JSON value's numbers, strings or bytes to a TensorProto.

    Args:
        value: A nested list, or a plain value at the innermost level.
        level: How deep it is.
        shape: The shape that all of it must have.
        tensor: The TensorProto; its `dtype` says what the values must be.

    Returns:
        How many values were added.

    Raises:
        StatusError: INVALID_ARGUMENT if type or nesting do not fit.
    """
    if not isinstance(value, list):
        if level != len(shape):
            raise invalid(
                f"{debug(value)} found at incorrect level: {level + 1} in the JSON DOM. "
                f"Expected at level: {len(shape)}"
            )
        _add_value(value, tensor)
        return 1
    if level >= len(shape):
        raise invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    return sum(add_values(item, level + 1, shape, tensor) for item in value)


def _add_value(value: Any, tensor: Any) -> None:
    number = tensor.dtype
    plain_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(value, dict) and number == STRING:
        if not is_base64(value):
            raise invalid(f"{debug(value)} not formatted correctly for base64 data")
        tensor.string_val.append(decode_base64(value))
    elif number in _FLOATS and plain_number:
        getattr(tensor, _FLOATS[number]).append(float(value))
    elif number in _INTEGERS and plain_number and isinstance(value, int):
        field, low, high = _INTEGERS[number]
        if not low <= value <= high:
            raise _type_error(value, number)
        getattr(tensor, field).append(value)
    elif number == 10 and isinstance(value, bool):
        tensor.bool_val.append(value)
    elif number == STRING and isinstance(value, str):
        tensor.string_val.append(text_bytes(value))
    elif number in _FLOATS or number in _INTEGERS or number in (10, STRING):
        raise _type_error(value, number)
    else:
        raise StatusError(
            Code.UNIMPLEMENTED,
            f"Conversion of {debug(value)} to type: {NAMES.get(number, str(number))}",
        )


def _type_error(value: Any, number: int) -> StatusError:
    return invalid(
        f"{debug(value)} Type: {type_name(value)} is not of expected type: {NAMES[number]}"
    )


def text_bytes(text: str) -> bytes:
    """The UTF-8 bytes of a JSON string, also of one that was not UTF-8 or half a pair."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


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
