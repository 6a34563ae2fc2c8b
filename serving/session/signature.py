"""What a SavedModel promises: named inputs and outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from serving.wire.messages import message_class


@dataclass(frozen=True)
class TensorSpec:
    """One input or output.

    Attributes:
        name: The tensor's name in the graph.
        dtype: TensorFlow's number of the element type.
        shape: Sizes, None where any size goes; None for an unknown rank.
    """

    name: str
    dtype: int
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Signature:
    """A way to ask a SavedModel.

    Attributes:
        method_name: The TensorFlow Serving method, for instance `tensorflow/serving/predict`.
        inputs: By the name that requests use.
        outputs: By the name that answers use.
    """

    method_name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


def _spec(info: Any) -> TensorSpec:
    shape = info.tensor_shape
    sizes = tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
    return TensorSpec(info.name, info.dtype, None if shape.unknown_rank else sizes)


def read_signatures(meta_graph: bytes) -> dict[str, Signature]:
    """The signatures in a serialized MetaGraphDef, without TensorFlow's own initialiser.

    Args:
        meta_graph: Bytes of a `tensorflow.MetaGraphDef`.
    """
    parsed = message_class("tensorflow.MetaGraphDef").FromString(meta_graph)
    return {
        key: Signature(
            one.method_name,
            {name: _spec(one.inputs[name]) for name in sorted(one.inputs)},
            {name: _spec(one.outputs[name]) for name in sorted(one.outputs)},
        )
        for key, one in sorted(parsed.signature_def.items())
        if key != "__saved_model_init_op"
    }
