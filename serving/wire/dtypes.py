"""TensorFlow's numbers for element types, and what NumPy calls them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

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
