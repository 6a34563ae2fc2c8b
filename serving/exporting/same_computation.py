"""Whether two traced functions compute the same, told by their graphs and never by samples."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# Where a node keeps what it is called or shares, not what it computes.
_NAMES = ("container", "shared_name")


def same_computation(one: Any, other: Any) -> bool:
    """Returns whether two concrete functions have the same operations on the same variables.

    Each output is followed back to the inputs: every operation with its attributes, constants,
    bodies of functions and control inputs must be the same, in the same place; names do not count.
    So it is never true of functions that differ anywhere, and may be false of functions that reach
    the same numbers in two ways.

    Args:
        one: A `ConcreteFunction`.
        other: Another with the same inputs.

    Example:
        >>> import tensorflow as tf
        >>> spec = [tf.TensorSpec([None])]
        >>> double = tf.function(lambda x: x * 2.0, input_signature=spec).get_concrete_function()
        >>> twice = tf.function(lambda y: y * 2.0, input_signature=spec).get_concrete_function()
        >>> added = tf.function(lambda x: x + x, input_signature=spec).get_concrete_function()
        >>> same_computation(double, twice), same_computation(double, added)
        (True, False)
    """
    return _digest_of(one) == _digest_of(other)


def _digest_of(function: Any) -> list[str]:
    graph = function.graph
    definition = graph.as_graph_def()
    library = {one.signature.name: one for one in definition.library.function}
    given = {}
    captured = {inner.op.name: outer for outer, inner in graph.captures}
    for place, tensor in enumerate(graph.inputs):
        name = tensor.op.name
        given[name] = _captured(captured[name]) if name in captured else f"input {place}"
    digest = _Digests(definition.node, given, library).of
    return [digest(tensor.name) for tensor in graph.outputs]


def _captured(tensor: Any) -> str:
    """What stands for a captured tensor: the variable or table, or the value of a constant."""
    if tensor.dtype.name in ("resource", "variant"):
        return f"resource {id(tensor)}"
    return f"{tensor.dtype.name} {tensor.shape} {tensor.numpy().tobytes().hex()}"


class _Digests:
    """Digests of tensors by what is computed up to them.

    Args:
        nodes: `NodeDef`s.
        given: Name of an input -> what stands for it.
        library: Functions by name.
    """

    def __init__(
        self, nodes: Iterable[Any], given: Mapping[str, str], library: Mapping[str, Any]
    ) -> None:
        self._nodes = {node.name: node for node in nodes}
        self._known = {name: _hash("given", what) for name, what in given.items()}
        self._library = library

    def of(self, reference: str) -> str:
        """Returns the digest of `node`, `node:1` or, in a function, `node:output:0`."""
        name, _, output = reference.partition(":")
        waiting = [name]
        while waiting:  # graphs are deeper than Python's stack
            node = self._nodes.get(waiting[-1])
            if waiting[-1] in self._known or node is None:
                waiting.pop()
                continue
            inputs = [one.lstrip("^").partition(":")[0] for one in node.input]
            missing = [one for one in inputs if one not in self._known]
            if missing:
                waiting += missing
            else:
                self._known[waiting.pop()] = self._node(node)
        return _hash("output", self._known[name], output.removesuffix(":0") or "0")

    def _node(self, node: Any) -> str:
        data = [one for one in node.input if not one.startswith("^")]
        control = sorted(self._known[one[1:]] for one in node.input if one.startswith("^"))
        attributes = [
            f"{key}={self._attribute(value)}"
            for key, value in sorted(node.attr.items())
            if not key.startswith("_") and key not in _NAMES
        ]
        return _hash(node.op, *attributes, "inputs", *map(self.of, data), "after", *control)

    def _attribute(self, value: Any) -> str:
        functions = [value.func] if value.HasField("func") else list(value.list.func)
        if not functions:
            return str(value.SerializeToString(deterministic=True).hex())
        return _hash(*(self._body(one.name) for one in functions))

    def _body(self, name: str) -> str:
        function = self._library[name]
        given = {one.name: f"input {n}" for n, one in enumerate(function.signature.input_arg)}
        digest: Callable[[str], str] = _Digests(function.node_def, given, self._library).of
        outputs = [digest(function.ret[one.name]) for one in function.signature.output_arg]
        after = sorted(digest(node) for node in function.control_ret.values())
        return _hash("function", *outputs, "after", *after)


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
