"""What the stock server cannot run."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

_XLA = ("_XlaMustCompile", "_XlaCompile")
_PYTHON_ONLY = ("EagerPyFunc", "PyFunc", "PyFuncStateless")


def check_graph(signature: str, graph: Any) -> None:
    """Refuses a graph that TensorFlow Serving's stock image would load and then fail on.

    Args:
        signature: The signature's key, for the message.
        graph: Its `GraphDef`, with the functions it calls.

    Raises:
        ValueError: If a function must be compiled by XLA, which that image has switched off, or
            an operation is not part of TensorFlow itself.
    """
    functions = {one.signature.name for one in graph.library.function}
    for name, attributes in _attributes(graph):
        if any(attributes[key].b for key in _XLA if key in attributes):
            raise ValueError(
                "`model` must not be compiled by XLA. Received: model with `jit_compile=True` in "
                f"'{name}', called by signature '{signature}'. Export it without `jit_compile`: "
                "the stock server refuses every such call."
            )
    for node in _nodes(graph):
        stock = hasattr(tf.raw_ops, node.op) or node.op in functions
        if node.op in _PYTHON_ONLY or not stock:
            raise ValueError(
                "`model` must use TensorFlow's own operations. Received: model with operation "
                f"'{node.op}' (node '{node.name}'), called by signature '{signature}'. Replace "
                "it: the stock server does not have it."
            )


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def _attributes(graph: Any) -> Iterator[tuple[str, Any]]:
    for function in graph.library.function:
        yield function.signature.name, function.attr
    for node in _nodes(graph):
        yield node.name, node.attr
