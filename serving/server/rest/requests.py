"""JSON bodies into requests."""

from collections.abc import Mapping
from typing import Any

from tensorflow.core.framework import tensor_pb2

from serving.server.rest.json import debug, type_name
from serving.server.rest.values import (
    add_values,
    decode_base64,
    fill_at_once,
    is_base64,
    shape_of,
    text_bytes,
)
from serving.status_error import StatusError, invalid


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
    if _rows_at_once(rows, inputs, tensors, named=named):
        return
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


def _rows_at_once(rows: list[Any], inputs: Any, tensors: Any, *, named: bool) -> bool:
    """Whether all rows are alike and fill the tensors; the way by row has the words if not."""
    if named:
        names = set(inputs)
        if set(map(type, rows)) != {dict} or any(row.keys() != names for row in rows):
            return False
        values = {name: [row[name] for row in rows] for name in inputs}
    else:
        values = {next(iter(inputs)): rows}
    for name, info in inputs.items():
        tensors[name].Clear()
        tensors[name].dtype = info.dtype
        if not fill_at_once(values[name], tensors[name]):
            return False
    return True


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
        if fill_at_once(value[name], tensor):
            continue
        shape = shape_of(value[name])
        tensor.tensor_shape.SetInParent()
        for size in shape:
            tensor.tensor_shape.dim.add(size=size)
        add_values(value[name], 0, shape, tensor)


def fill_examples(document: Mapping[str, Any], request_input: Any) -> None:
    """Writes JSON `examples`, and a `context` if there is one, into an Input.

    A whole number becomes an int64 and one with a point a float, whatever the feature is: send
    `2.0` for a float feature.

    Args:
        document: The request's JSON object.
        request_input: A `tensorflow.serving.Input`.

    Raises:
        StatusError: INVALID_ARGUMENT if the JSON holds no examples or odd values.
    """
    target = request_input.example_list
    if "context" in document:
        target = request_input.example_list_with_context
        target.context.SetInParent()
        _fill_example(document["context"], target.context)
    if "examples" not in document:
        raise invalid(
            f"{debug(document)} When method is classify, key 'examples' is expected and was not "
            "found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise invalid(f"{debug(document)} Expecting 'examples' value to be an list/array")
    if not examples:
        raise invalid(f"{debug(document)} 'examples' value is an empty array")
    for example in examples:
        _fill_example(example, target.examples.add())


def _fill_example(value: Any, example: Any) -> None:
    if not isinstance(value, dict):
        raise invalid(f"Example must be JSON object but got JSON {type_name(value)}")
    for name, content in value.items():
        feature = example.features.feature[text_bytes(name).decode("utf-8", "replace")]
        for item in content if isinstance(content, list) else [content]:
            kind, plain = _typed(item, name)
            held = feature.WhichOneof("kind")
            if held not in (None, kind):
                raise invalid(
                    f"Unexpected element type in feature: {name} expecting type: "
                    f"{held.partition('_')[0]}"
                )
            getattr(feature, kind).value.append(plain)


def _typed(value: Any, name: str) -> tuple[str, Any]:
    """The list that a JSON value belongs to, and the value."""
    if isinstance(value, bool):
        return "int64_list", int(value)
    if is_base64(value):
        return "bytes_list", decode_base64(value)
    if isinstance(value, str):
        return "bytes_list", text_bytes(value)
    if isinstance(value, float):
        return "float_list", value
    if isinstance(value, int):
        if value >= 2**63:
            raise invalid(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
        return "int64_list", value
    raise invalid(f"Feature: {name} has element with unexpected JSON type: {type_name(value)}")
