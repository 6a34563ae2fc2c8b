"""JSON in one go gives what JSON value by value gives, and no other words."""

import json
import math
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorflow.core.framework import tensor_pb2

from serving.server.rest.json import float_text, float_texts, parse_object
from serving.server.rest.values import add_values, fill_at_once, shape_of
from serving.status_error import StatusError
from serving.wire.tensors import to_array

scalars: Any = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(-300, 300),
    st.floats(),
    st.booleans(),
    st.text(max_size=3),
    st.none(),
    st.just({"b64": "YQ=="}),
)
kinds: Any = st.sampled_from([scalars, st.integers(-9, 300), st.floats(), st.booleans(), st.text()])
nested = kinds.flatmap(
    lambda one: st.one_of(
        one,
        st.lists(one, max_size=4),
        st.integers(0, 3).flatmap(
            lambda width: st.lists(st.lists(one, min_size=width, max_size=width), max_size=3)
        ),
        st.lists(st.lists(one, max_size=2), max_size=3),
    )
)


def by_value(value: Any, dtype: int) -> Any:
    tensor = tensor_pb2.TensorProto(dtype=dtype)
    tensor.tensor_shape.SetInParent()
    for size in shape_of(value):
        tensor.tensor_shape.dim.add(size=size)
    with np.errstate(over="ignore"):
        add_values(value, 0, shape_of(value), tensor)
    return to_array(tensor)


@given(nested, st.sampled_from([1, 2, 3, 4, 5, 6, 7, 9, 10, 14, 19, 22, 23]))
def test_what_is_filled_at_once_is_what_is_filled_value_by_value(value: Any, dtype: int) -> None:
    tensor = tensor_pb2.TensorProto(dtype=dtype)
    if not fill_at_once(value, tensor):
        assert tensor == tensor_pb2.TensorProto(dtype=dtype)
        return
    got, wanted = to_array(tensor), by_value(value, dtype)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        ([[1.0, 2], [3, 4.5]], 1),
        ([1, -2], 9),
        ([[True]], 10),
        (["a", "é"], 7),
        (3, 2),
        ([2**63], 23),
    ],
)
def test_the_usual_is_filled_at_once(value: Any, dtype: int) -> None:
    assert fill_at_once(value, tensor_pb2.TensorProto(dtype=dtype))


@given(st.lists(st.floats(width=32), max_size=20), st.lists(st.floats(), max_size=20))
def test_many_numbers_are_written_as_each(singles: Any, doubles: Any) -> None:
    for values, dtype in ((singles, np.float32), (doubles, np.float64)):
        texts = float_texts(np.array(values, dtype))
        assert texts == [float_text(value, single=dtype == np.float32) for value in values]


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_what_is_written_is_read_as_the_same(values: Any) -> None:
    for text, value in zip(float_texts(np.array(values, np.float32)), values, strict=True):
        packed = struct.pack("<f", value)
        assert struct.pack("<f", np.float32(float(text))) == packed


number = st.from_regex(
    r"-?(0|[1-9][0-9]{0,24})([.][0-9]{1,24})?([eE][+-]?[0-9]{1,4})?", fullmatch=True
)


@given(st.lists(number, min_size=1, max_size=4))
def test_numbers_are_read_as_the_server_reads_them(texts: list[str]) -> None:
    body = f'{{"x": [{", ".join(texts)}]}}'.encode()
    if any(math.isinf(float(text)) for text in texts):
        with pytest.raises(StatusError, match="too big to be stored in double"):
            parse_object(body)
        return
    for got, text in zip(parse_object(body)["x"], texts, strict=True):
        whole = text.lstrip("-").isdigit() and -(2**63) <= int(text) < 2**64
        assert (type(got), got) == ((int, int(text)) if whole else (float, float(text)))


def test_constants_are_read_beside_all_numbers() -> None:
    body = json.dumps({"x": [math.inf, -math.inf, 1e308, 10**18, 10**19]}).encode()
    assert parse_object(body)["x"] == [math.inf, -math.inf, 1e308, 10**18, 10**19]
