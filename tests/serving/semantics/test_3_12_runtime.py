"""What the stock server's runtime lacks: XLA, custom operations, Python."""

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow.python.framework import op_def_registry

import serving
import tfrs_afm
from tests.serving.exported import Exported
from tests.serving.exporting import rankers


@pytest.fixture(scope="module")
def meta_graph(deepfm: Exported) -> Any:
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((deepfm.path / "saved_model.pb").read_bytes())
    [only] = saved.meta_graphs
    return only


def nodes(graph: Any) -> list[Any]:
    return [*graph.node, *(node for one in graph.library.function for node in one.node_def)]


def test_every_saved_operation_is_tensorflow_s_own(meta_graph: Any) -> None:
    functions = {one.signature.name for one in meta_graph.graph_def.library.function}
    used = {node.op for node in nodes(meta_graph.graph_def)} - functions
    assert {"ParseExampleV2", "ResourceGather"} <= used
    assert not used & {"PyFunc", "EagerPyFunc", "PyFuncStateless"}
    assert [op for op in used if op_def_registry.get(op) is None] == []


def test_nothing_saved_must_be_compiled_by_xla(meta_graph: Any) -> None:
    attributes = [one.attr for one in meta_graph.graph_def.library.function]
    attributes += [node.attr for node in nodes(meta_graph.graph_def)]
    for key in ("_XlaMustCompile", "_XlaCompile"):
        assert not any(one[key].b for one in attributes if key in one)


def test_servers_as_old_as_tensorflow_2_can_read_the_graph(meta_graph: Any) -> None:
    assert meta_graph.graph_def.versions.min_consumer <= 12


class _Compiled(rankers.WholeRanker):
    """A model whose head is compiled where it runs."""

    @tf.function(jit_compile=True)
    def _score(self, vectors: Any) -> Any:
        return self.head(tf.reduce_sum(vectors, axis=1))

    def call(self, features: Any) -> Any:
        return self._score(self.embed(features).vectors)


@pytest.mark.long
def test_a_model_compiled_by_xla_is_refused_and_nothing_is_published(tmp_path: Path) -> None:
    model = _Compiled(rankers.small_columns())
    rows = tf.constant([one.SerializeToString() for one in rankers.examples(4)])
    model(tf.io.parse_example(rows, tfrs_afm.parse_spec(model.embed.columns)))
    with pytest.raises(ValueError, match="`model` must not be compiled by XLA"):
        serving.export(model, tmp_path / "base")
    assert not (tmp_path / "base").exists()
