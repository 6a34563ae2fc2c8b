"""The tf.Examples of a Classify, Regress or MultiInference request."""

from typing import Any

import numpy as np

from serving.server.errors import invalid


def serialized_examples(request_input: Any) -> np.ndarray[Any, Any]:
    """The serialized tf.Examples of an Input, one string each.

    A context is put before each example as bytes, as the server does: where both hold a
    feature, the example's wins.

    Args:
        request_input: A `tensorflow.serving.Input`.

    Raises:
        StatusError: INVALID_ARGUMENT if there are none.
    """
    kind = request_input.WhichOneof("kind")
    context = b""
    found: list[bytes] = []
    if kind == "example_list":
        found = [one.SerializeToString() for one in request_input.example_list.examples]
    elif kind == "example_list_with_context":
        both = request_input.example_list_with_context
        context = both.context.SerializeToString()
        found = [context + one.SerializeToString() for one in both.examples]
    if not found:
        raise invalid("Input is empty.")
    return np.array(found, object)
