"""Values of a JSON document into tensors."""

import base64
import binascii
from itertools import chain
from typing import Any

import numpy as np

from serving.server.rest.json import debug, type_name
from serving.status_error import Code, StatusError, invalid
from serving.wire.tensors import NAMES, NUMPY, STRING

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
_KINDS: dict[int, set[type]] = {
    **{number: {float, int} for number in _FLOATS},
    **{number: {int} for number in _INTEGERS},
    10: {bool},
}


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


def fill_at_once(value: Any, tensor: Any) -> bool:
    """Fills a tensor from a nested list whose values are all of one right kind, in one go.

    Args:
        value: A nested list, or a plain value.
        tensor: An empty TensorProto, but for its `dtype`.

    Returns:
        Whether it is filled. Otherwise it is as it was, and `add_values` says what is wrong, or
        takes what is right and rare.
    """
    shape = shape_of(value)
    flat = value if shape else [value]
    for size in shape[1:]:
        if set(map(type, flat)) != {list} or set(map(len, flat)) != {size}:
            return False
        flat = list(chain.from_iterable(flat))
    number, kinds = tensor.dtype, set(map(type, flat))
    if number == STRING and kinds == {str}:
        tensor.string_val.extend([text_bytes(text) for text in flat])
    elif number == STRING or not kinds or not kinds <= _KINDS.get(number, set()):
        return False
    else:
        if number in _INTEGERS:
            limits = np.iinfo(NUMPY[number])
            if min(flat) < limits.min or max(flat) > limits.max:
                return False
        with np.errstate(over="ignore"):  # as a cast of a double to a float does it
            # By way of float64, which the server's parser makes of every number.
            array = np.array(flat, np.float64) if number in _FLOATS else np.array(flat)
            tensor.tensor_content = array.astype(NUMPY[number]).tobytes()
    tensor.tensor_shape.SetInParent()
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)
    return True


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
