"""A JSON classify or regress request into its message."""

from collections.abc import Mapping
from typing import Any

from serving.server.errors import invalid
from serving.server.rest.json_tensor import decode_base64, is_base64, text_bytes
from serving.server.rest.json_text import debug, type_name


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
