"""A JSON predict request into a PredictRequest."""

from collections.abc import Mapping
from typing import Any

from tensorflow.core.framework import tensor_pb2

from serving.server.errors import invalid
from serving.server.rest.json_tensor import add_values, is_base64, shape_of
from serving.server.rest.json_text import debug
from serving.status_error import StatusError


def signature_name(document: Mapping[str, Any]) -> str:
    """The signature that a request names, or an empty text.

    Raises:
        StatusError: INVALID_ARGUMENT if the name is not a text.
    """
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid(
            f"{debug(document)} not formatted correctly. 'signature_name' key must be a string "
            "value."
        )
    return name


def fill_predict(document: Mapping[str, Any], inputs: Any, request: Any) -> bool:
    """Writes the tensors of a JSON request into a PredictRequest.

    Args:
        document: The request's JSON object, with `instances` (rows) or `inputs` (columns).
        inputs: The signature's inputs, TensorInfo by name.
        request: The PredictRequest.

    Returns:
        Whether the request came in rows, so that the answer must too.

    Raises:
        StatusError: INVALID_ARGUMENT if the JSON does not fit the inputs.
    """
    if not inputs:
        name = request.model_spec.signature_name or "DEFAULT"
        raise invalid(f"Failed to get input map for signature: {name}")
    if "instances" in document:
        if "inputs" in document:
            raise invalid(
                f"{debug(document)} Not formatted correctly expecting only one of 'inputs' or "
                "'instances' keys to exist "
            )
        rows = document["instances"]
        if not isinstance(rows, list):
            raise invalid(f"{debug(document)} Expecting 'instances' to be an list/array")
        if not rows:
            raise invalid(f"{debug(document)} No values in 'instances' array")
        _fill_rows(rows, inputs, request.inputs)
        return True
    if "inputs" in document:
        _fill_columns(document["inputs"], inputs, request.inputs)
        return False
    raise invalid("Missing 'inputs' or 'instances' key")


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


class _Column:
    """One input's values over all rows."""

    def __init__(self, dtype: int) -> None:
        self.tensor = tensor_pb2.TensorProto(dtype=dtype)
        self.shape: list[int] | None = None
        self.size = 0

    def add(self, value: Any) -> None:
        """Adds one row's value; all rows must have one shape."""
        shape = shape_of(value)
        size = add_values(value, 0, shape, self.tensor)
        if self.shape is None:
            self.shape, self.size = shape, size
        elif size != self.size:
            raise invalid(f"Expecting tensor size: {self.size} but got: {size}")
        elif shape != self.shape:
            raise invalid(f"Expecting shape {_text(self.shape)} but got: {_text(shape)}")


def _text(shape: list[int]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"


def _fill_rows(rows: list[Any], inputs: Any, tensors: Any) -> None:
    if not isinstance(rows[0], dict) and len(inputs) > 1:
        raise invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    named = _is_object(rows[0])
    columns = {name: _Column(info.dtype) for name, info in inputs.items()}
    for index, row in enumerate(rows):
        if named != _is_object(row):
            wanted, got = ("object", "list") if named else ("value/list", "object")
            raise invalid(f"Expecting {wanted} but got {got} at item {index} of input list")
        _add_row(index, row if named else {next(iter(columns)): row}, columns, named=named)
    for name, column in columns.items():
        for size in (len(rows), *(column.shape or [])):
            column.tensor.tensor_shape.dim.add(size=size)
        tensors[name].CopyFrom(column.tensor)


def _add_row(index: int, row: dict[str, Any], columns: dict[str, _Column], *, named: bool) -> None:
    for name, value in row.items():
        try:
            if name not in columns:
                raise invalid(f"JSON object: does not have named input: {name}")
            columns[name].add(value)
        except StatusError as error:
            key = f" key: {name}" if named else ""
            raise invalid(
                f"Failed to process element: {index}{key} of 'instances' list. Error: {error}"
            ) from error
    if set(row) != set(columns):
        raise invalid(
            f"Failed to process element: {index} of 'instances' list. "
            f"{debug(row).replace('JSON Value', 'JSON object', 1)} keys must be equal to: "
            f"{','.join(sorted(columns))}"
        )


def _fill_columns(value: Any, inputs: Any, tensors: Any) -> None:
    if not _is_object(value):
        if len(inputs) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        value = {next(iter(inputs)): value}
    for name, info in inputs.items():
        if name not in value:
            raise invalid(f"Missing named input: {name} in 'inputs' object.")
        tensor = tensors[name]
        tensor.dtype = info.dtype
        shape = shape_of(value[name])
        tensor.tensor_shape.SetInParent()
        for size in shape:
            tensor.tensor_shape.dim.add(size=size)
        add_values(value[name], 0, shape, tensor)
