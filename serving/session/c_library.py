"""TensorFlow's C library and its tensors, without its Python package."""

import ctypes
import importlib.util
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from serving.status_error import Code, StatusError
from serving.wire.tensors import NAMES, NUMPY, STRING, dtype_number

_POINTER, _STRING, _INT, _SIZE = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
_INT64 = ctypes.c_int64


class Output(ctypes.Structure):
    """TF_Output: the index-th result of an operation of a graph."""

    _fields_ = (("operation", _POINTER), ("index", _INT))


class Buffer(ctypes.Structure):
    """TF_Buffer: bytes that TensorFlow owns."""

    _fields_ = (("data", _POINTER), ("length", _SIZE), ("deallocator", _POINTER))


_OUTPUTS, _POINTERS = ctypes.POINTER(Output), ctypes.POINTER(_POINTER)
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "TF_Version": (_STRING, []),
    "TF_NewStatus": (_POINTER, []),
    "TF_DeleteStatus": (None, [_POINTER]),
    "TF_GetCode": (_INT, [_POINTER]),
    "TF_Message": (_STRING, [_POINTER]),
    "TF_NewSessionOptions": (_POINTER, []),
    "TF_DeleteSessionOptions": (None, [_POINTER]),
    "TF_SetConfig": (None, [_POINTER, _STRING, _SIZE, _POINTER]),
    "TF_NewGraph": (_POINTER, []),
    "TF_DeleteGraph": (None, [_POINTER]),
    "TF_NewBuffer": (_POINTER, []),
    "TF_NewBufferFromString": (_POINTER, [_STRING, _SIZE]),
    "TF_DeleteBuffer": (None, [_POINTER]),
    "TF_LoadSessionFromSavedModel": (
        _POINTER,
        [_POINTER, _POINTER, _STRING, ctypes.POINTER(_STRING), _INT, _POINTER, _POINTER, _POINTER],
    ),
    "TF_GraphOperationByName": (_POINTER, [_POINTER, _STRING]),
    "TF_OperationNumOutputs": (_INT, [_POINTER]),
    "TF_AllocateTensor": (_POINTER, [_INT, ctypes.POINTER(_INT64), _INT, _SIZE]),
    "TF_DeleteTensor": (None, [_POINTER]),
    "TF_TensorData": (_POINTER, [_POINTER]),
    "TF_TensorType": (_INT, [_POINTER]),
    "TF_TensorByteSize": (_SIZE, [_POINTER]),
    "TF_NumDims": (_INT, [_POINTER]),
    "TF_Dim": (_INT64, [_POINTER, _INT]),
    "TF_StringInit": (None, [_POINTER]),
    "TF_StringCopy": (None, [_POINTER, _STRING, _SIZE]),
    "TF_StringDealloc": (None, [_POINTER]),
    "TF_StringGetDataPointer": (_POINTER, [_POINTER]),
    "TF_StringGetSize": (_SIZE, [_POINTER]),
    "TF_SessionRun": (
        None,
        [
            *(_POINTER, _POINTER, _OUTPUTS, _POINTERS, _INT, _OUTPUTS, _POINTERS, _INT),
            *(_POINTER, _INT, _POINTER, _POINTER),
        ],
    ),
    "TF_CloseSession": (None, [_POINTER, _POINTER]),
    "TF_DeleteSession": (None, [_POINTER, _POINTER]),
}


class Library:
    """The functions of TensorFlow's C API, with argument types, from the installed wheel.

    Raises:
        ImportError: If TensorFlow is not installed or has no C library.
    """

    def __init__(self) -> None:
        spec = importlib.util.find_spec("tensorflow")  # finds the folder, imports nothing
        if spec is None or spec.origin is None:
            raise ImportError("TensorFlow's C library must be installed. Run `pip install .`")
        folder = Path(spec.origin).parent
        # The framework comes first, and its symbols must be visible to the other.
        libraries = [
            ctypes.CDLL(str(folder / name), ctypes.RTLD_GLOBAL)
            for name in ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2")
        ]
        for name, (result, arguments) in _SIGNATURES.items():
            function = next((getattr(lib, name) for lib in libraries if hasattr(lib, name)), None)
            if function is None:
                raise ImportError(f"TensorFlow's C library must have {name}. Install 2.21.")
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        """Declares the functions that the constructor sets, for the type checker."""
        raise AttributeError(name)

    def check(self, status: Any) -> None:
        """Raises what a TF_Status says, if it is not OK.

        Raises:
            StatusError: With the status's code and message.
        """
        code = self.TF_GetCode(status)
        if code:
            raise StatusError(code, self.TF_Message(status).decode("utf-8", "replace"))


@cache
def library() -> Library:
    """The process's one copy of the library."""
    return Library()


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
