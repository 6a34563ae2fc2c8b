"""Copies arrays into TensorFlow's tensors and back."""

import ctypes
import math
from typing import Any

import numpy as np

from serving.session.library import Library
from serving.status_error import Code, StatusError
from serving.wire.dtypes import NAMES, NUMPY, STRING, dtype_number

_TSTRING_BYTES = 24  # sizeof(TF_TString)


def _as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    raise TypeError(
        f"`value` must be bytes or text in a string tensor. Received: value={value!r}. "
        "Convert the array's elements."
    )


def to_tensor(lib: Library, value: Any) -> int:
    """A new TF_Tensor with a copy of an array; the caller deletes it.

    Args:
        lib: The C library.
        value: Array of any shape; object, bytes and text arrays become string tensors.

    Raises:
        TypeError: If TensorFlow has no such element type.
    """
    array = np.asarray(value)
    if array.dtype.kind in "SU" and not isinstance(value, np.ndarray):
        array = np.asarray(value, object)  # NumPy's own strings lose trailing zero bytes
    number = dtype_number(array.dtype)
    shape = (ctypes.c_int64 * max(array.ndim, 1))(*array.shape)
    if number != STRING:
        array = np.ascontiguousarray(array)
        tensor: int = lib.TF_AllocateTensor(number, shape, array.ndim, array.nbytes)
        ctypes.memmove(lib.TF_TensorData(tensor), array.ctypes.data, array.nbytes)
        return tensor
    strings = [_as_bytes(item) for item in array.ravel().tolist()]
    tensor = lib.TF_AllocateTensor(STRING, shape, array.ndim, _TSTRING_BYTES * len(strings))
    place = lib.TF_TensorData(tensor)
    if strings:
        ctypes.memset(place, 0, _TSTRING_BYTES * len(strings))  # zeros are an empty TF_TString
    for item in strings:
        lib.TF_StringCopy(place, item, len(item))
        place += _TSTRING_BYTES
    return tensor


def from_tensor(lib: Library, tensor: Any) -> np.ndarray[Any, Any]:
    """A copy of a TF_Tensor as an array; strings as bytes in an object array.

    Raises:
        StatusError: UNIMPLEMENTED if NumPy has no such element type.
    """
    shape = tuple(lib.TF_Dim(tensor, axis) for axis in range(lib.TF_NumDims(tensor)))
    number = lib.TF_TensorType(tensor)
    place = lib.TF_TensorData(tensor)
    if number not in NUMPY:
        name = NAMES.get(number, str(number))
        raise StatusError(Code.UNIMPLEMENTED, f"Tensors of type {name} cannot be read.")
    if number != STRING:
        size = lib.TF_TensorByteSize(tensor)
        data = ctypes.string_at(place, size) if size else b""
        return np.frombuffer(data, NUMPY[number]).reshape(shape)
    strings = np.empty(math.prod(shape), object)
    for index in range(len(strings)):
        one = place + index * _TSTRING_BYTES
        strings[index] = ctypes.string_at(
            lib.TF_StringGetDataPointer(one), lib.TF_StringGetSize(one)
        )
    return strings.reshape(shape)
