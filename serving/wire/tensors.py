"""Arrays into TensorProto messages and back, for any class with those fields."""

import math
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from serving.status_error import Code, StatusError

STRING = 7
"""DT_STRING: byte strings, which NumPy holds in object arrays."""

NUMPY: Mapping[int, np.dtype[Any]] = MappingProxyType(
    {
        1: np.dtype(np.float32),
        2: np.dtype(np.float64),
        3: np.dtype(np.int32),
        4: np.dtype(np.uint8),
        5: np.dtype(np.int16),
        6: np.dtype(np.int8),
        STRING: np.dtype(object),
        8: np.dtype(np.complex64),
        9: np.dtype(np.int64),
        10: np.dtype(np.bool_),
        17: np.dtype(np.uint16),
        18: np.dtype(np.complex128),
        19: np.dtype(np.float16),
        22: np.dtype(np.uint32),
        23: np.dtype(np.uint64),
    }
)
"""Element types that NumPy holds, by TensorFlow's number."""

NAMES: Mapping[int, str] = MappingProxyType(
    {
        1: "float",
        2: "double",
        3: "int32",
        4: "uint8",
        5: "int16",
        6: "int8",
        7: "string",
        8: "complex64",
        9: "int64",
        10: "bool",
        14: "bfloat16",
        17: "uint16",
        18: "complex128",
        19: "half",
        20: "resource",
        21: "variant",
        22: "uint32",
        23: "uint64",
    }
)
"""The names that TensorFlow's messages use, by TensorFlow's number."""

_NUMBERS = {dtype: number for number, dtype in NUMPY.items() if number != STRING}


def dtype_number(dtype: np.dtype[Any]) -> int:
    """TensorFlow's number for a NumPy element type; object, bytes and text are strings.

    Raises:
        TypeError: If TensorFlow has no such type.

    Example:
        >>> dtype_number(np.dtype("int64"))
        9
    """
    if dtype.kind in "OSU":
        return STRING
    if dtype not in _NUMBERS:
        raise TypeError(
            f"`dtype` must be one that TensorFlow holds. Received: dtype={dtype}. "
            "Convert the array, for instance to float32 or int64."
        )
    return _NUMBERS[dtype]


MAX_BYTES = 1 << 28
"""The largest tensor that a message may unfold to. A shape costs an attacker nothing."""

_MAX_RANK = 64  # NumPy's

_FIELDS = {
    1: "float_val",
    2: "double_val",
    3: "int_val",
    4: "int_val",
    5: "int_val",
    6: "int_val",
    STRING: "string_val",
    9: "int64_val",
    10: "bool_val",
    17: "int_val",
    22: "uint32_val",
    23: "uint64_val",
}


def to_array(proto: Any) -> np.ndarray[Any, Any]:
    """The array in a TensorProto, from `tensor_content` or from the typed fields.

    As in TensorFlow, typed fields may stop early: the last value fills the rest, and none at all
    means zeros.

    Args:
        proto: A `tensorflow.TensorProto`, of our classes or of the generated ones.

    Raises:
        StatusError: INVALID_ARGUMENT if shape, type and data do not fit, or the tensor would be
            larger than `MAX_BYTES`.
    """
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    dtype = NUMPY.get(proto.dtype)
    if dtype is None or proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise _parse_error()
    size = math.prod(shape)
    # NumPy bounds the product of the other dimensions also where one is 0, and how many there are.
    empty = math.prod(dim or 1 for dim in shape) * dtype.itemsize
    if size * dtype.itemsize > MAX_BYTES or empty > sys.maxsize or len(shape) > _MAX_RANK:
        raise _parse_error()
    if proto.tensor_content:
        if proto.dtype == STRING or len(proto.tensor_content) != size * dtype.itemsize:
            raise _parse_error()
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    if proto.dtype == 19:
        values: Any = np.array(proto.half_val, np.uint16).view(np.float16)
    elif proto.dtype in _FIELDS:
        values = getattr(proto, _FIELDS[proto.dtype])
    else:
        raise _parse_error()
    if len(values) > size and size:
        raise _parse_error()
    array = np.full(size, b"" if proto.dtype == STRING else 0, dtype)
    if size and len(values):
        array[: len(values)] = np.fromiter(values, dtype, len(values))
        array[len(values) :] = values[-1]
    return array.reshape(shape)


def _parse_error() -> StatusError:
    return StatusError(Code.INVALID_ARGUMENT, "tensor parsing error")


def fill_content(proto: Any, value: Any) -> None:
    """Writes an array into an empty TensorProto, as raw bytes: what a client should send.

    Args:
        proto: The message to fill.
        value: Anything that NumPy makes an array of.

    Raises:
        TypeError: If TensorFlow has no such element type.
    """
    array = np.asarray(value)
    number = _head(proto, array)
    if number == STRING:
        proto.string_val.extend(_strings(value if array.dtype.kind in "SU" else array))
    else:
        proto.tensor_content = np.ascontiguousarray(array).tobytes()


def fill_fields(proto: Any, array: np.ndarray[Any, Any]) -> None:
    """Writes an array into an empty TensorProto, in typed fields: what the server answers.

    Args:
        proto: The message to fill.
        array: The values.
    """
    number = _head(proto, array)
    if number == STRING:
        proto.string_val.extend(_strings(array))
    elif number == 19:
        proto.half_val.extend(array.ravel().view(np.uint16).tolist())
    elif number in _FIELDS:
        getattr(proto, _FIELDS[number]).extend(array.ravel().tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(array).tobytes()


def _head(proto: Any, array: np.ndarray[Any, Any]) -> int:
    number = dtype_number(array.dtype)
    proto.dtype = number
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    return number


def _strings(value: Any) -> list[bytes]:
    # From the caller's own objects: NumPy's strings lose trailing zero bytes.
    flat = np.asarray(value, object).ravel().tolist()
    return [item if isinstance(item, bytes) else str(item).encode() for item in flat]
