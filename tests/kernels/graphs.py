"""What graphs and saved models hold."""

import pathlib
from typing import Any

from tensorflow.core.protobuf import saved_model_pb2


def operations(graph_def: Any) -> list[str]:
    """The kind of each operation in a graph and in its functions."""
    functions = [function.node_def for function in graph_def.library.function]
    return [node.op for nodes in (graph_def.node, *functions) for node in nodes]


def saved_operations(path: pathlib.Path) -> list[str]:
    saved = saved_model_pb2.SavedModel.FromString((path / "saved_model.pb").read_bytes())
    return [op for graph in saved.meta_graphs for op in operations(graph.graph_def)]


def graph_of(function: Any, *arguments: Any) -> list[str]:
    return operations(function.get_concrete_function(*arguments).graph.as_graph_def())


def holds_kernels(ops: list[str]) -> bool:
    return any(op.startswith("TfrsAfm") for op in ops)
