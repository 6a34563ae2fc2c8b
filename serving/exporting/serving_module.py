"""What is saved: the signatures and the variables they read, nothing else."""

import contextlib
import keyword
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

import tfrs_afm
from serving.exporting.ranker import Ranker
from serving.exporting.scorer import Scorer, all_outputs, explained, top_count
from serving.signatures import (
    CLASSIFY,
    DEFAULT_SIGNATURE,
    PREDICT,
    REGRESS,
    signature_key,
    signature_kind,
)
from tfrs_afm.columns.feature_shapes import failed
from tfrs_afm.columns.flat_ids import PaddedLists, one_id_each
from tfrs_afm.types import Model

_PADDING = {tf.string: b"padding", tf.int64: 0, tf.float32: 0.5}
"""What the golden rows' lists are filled up with. Any value does: the lengths count."""


NO_ID = {tf.string: b"", tf.int64: -1}
"""What stands where a feature of one id has none."""


class RawInputs:
    """The inputs of the `tensors` signature.

    A feature of a fixed size is one tensor, `(batch,)` for one value; so is a feature of one id,
    with -1 or the empty string where there is none. A list is two: a dense `(batch, longest)`
    tensor and the lengths `(batch,)`, so that what fills up the rows never counts, whoever fills
    them up: a server that batches repeats the first value.

    Args:
        spec: The parse spec of the features.
        lists: The features that are lists, among those of no fixed size.
    """

    def __init__(self, spec: Mapping[str, Any], lists: Collection[str]) -> None:
        self._spec = {key: spec[key] for key in sorted(spec)}
        taken: set[str] = set()  # in lower case: to TensorFlow "film" and "Film" are one input
        self.inputs = {
            key: _free(key, taken)
            for key in self._spec
            if _alias(key) == key and key.lower() not in taken
        }
        for key in self._spec:
            if key not in self.inputs:
                self.inputs[key] = _free(_alias(key), taken)
        self.lengths = {
            key: _free(f"{self.inputs[key]}_length", taken)
            for key, feature in self._spec.items()
            if isinstance(feature, tf.io.VarLenFeature) and key in lists
        }

    def specs(self) -> dict[str, Any]:
        """A `TensorSpec` for each input, by its name."""
        found = {}
        for key, feature in self._spec.items():
            name = self.inputs[key]
            if key in self.lengths:
                found[name] = tf.TensorSpec([None, None], feature.dtype, name)
                length = self.lengths[key]
                found[length] = tf.TensorSpec([None], tf.int64, length)
            else:
                shape = [] if _is_id(feature) else _shape(feature)
                found[name] = tf.TensorSpec([None, *shape], feature.dtype, name)
        return found

    def features(self, tensors: Mapping[str, Any], *, as_parsed: bool = True) -> dict[str, Any]:
        """The features that parsing examples would have given.

        Args:
            tensors: Tensors by input name.
            as_parsed: Whether features of one id are SparseTensors, too, as models of other
                people read them. Our embedding layer takes them apart as they are.

        Returns:
            Features by name; lists are SparseTensors of their true lengths, or PaddedLists where
            they need not be as parsed.
        """
        found: dict[str, Any] = {}
        lists = {
            key: (tensors[self.inputs[key]], tensors[name]) for key, name in self.lengths.items()
        }
        for key, one in _padded(lists).items():
            found[key] = one.ragged().to_sparse() if as_parsed else one
        for key, feature in self._spec.items():
            tensor = tensors[self.inputs[key]]
            if key in self.lengths:
                continue
            if _is_id(feature):
                one = tf.ensure_shape(tensor, [None])
                found[key] = one_id_each(one) if as_parsed else one
            else:
                tensor = tf.ensure_shape(tensor, [None, *_shape(feature)])
                shape = tf.TensorShape(feature.shape).as_list()
                found[key] = tf.reshape(tensor, [tf.shape(tensor)[0], *shape])
        return found

    def arrays(self, features: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
        """Parsed features as the arrays that a client would send.

        Args:
            features: What parsing examples gave, eagerly.
        """
        found = {}
        for key, feature in self._spec.items():
            parsed = features[key]
            if key in self.lengths:
                rows = int(parsed.dense_shape[0])
                dense = tf.sparse.to_dense(parsed, _PADDING[feature.dtype])
                found[self.inputs[key]] = dense.numpy()
                counts = np.bincount(parsed.indices.numpy()[:, 0], minlength=rows)
                found[self.lengths[key]] = counts.astype(np.int64)
            elif _is_id(feature):
                one = tf.sparse.reset_shape(parsed, [parsed.dense_shape[0], 1])
                found[self.inputs[key]] = tf.sparse.to_dense(one, NO_ID[feature.dtype])[
                    :, 0
                ].numpy()
            else:
                shape = [-1, *_shape(feature)]
                found[self.inputs[key]] = tf.reshape(parsed, shape).numpy()
        return found


def _padded(lists: Mapping[str, tuple[Any, Any]]) -> dict[str, PaddedLists]:
    """Dense lists, and what their lengths say is real, once all of them are known to fit."""
    shaped = {
        key: (tf.ensure_shape(dense, [None, None]), tf.ensure_shape(lengths, [None]))
        for key, (dense, lengths) in lists.items()
    }
    if not shaped:
        return {}
    fit = tf.stack([rule for one in shaped.values() for rule in _fit(*one)])

    def complain() -> Any:
        texts = [
            f"the lengths of feature '{key}' must {rule}." for key in shaped for rule in _RULES
        ]
        return failed([tf.constant(texts)[tf.argmin(tf.cast(fit, tf.int32))]])

    check = tf.cond(tf.reduce_all(fit), lambda: tf.constant(value=True), complain)
    found = {}
    with tf.control_dependencies([check]):
        for key, (dense, lengths) in shaped.items():
            places = tf.range(tf.shape(dense)[1])
            counted = tf.cast(tf.identity(lengths), tf.int32)[:, tf.newaxis]
            found[key] = PaddedLists(dense, places < counted)
    return found


_RULES = ("be one per row", "not be negative", "fit its width")


def _fit(dense: Any, lengths: Any) -> list[Any]:
    """Whether each of the rules holds."""
    rows, width = tf.unstack(tf.shape(dense, tf.int64))
    return [
        tf.size(lengths, tf.int64) == rows,
        tf.reduce_all(lengths >= 0),
        tf.reduce_all(lengths <= width),
    ]


def _is_id(feature: Any) -> bool:
    return isinstance(feature, tf.io.VarLenFeature)


def _shape(feature: Any) -> list[int]:
    """The shape after the batch; one value needs no axis."""
    shape = tf.TensorShape(feature.shape)
    return [] if shape.num_elements() == 1 else shape.as_list()


def _alias(key: str) -> str:
    """A name that TensorFlow can save: it drops or refuses others."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", key)
    if name.startswith("_") or keyword.iskeyword(name) or name == "self":
        name = f"feature_{name.lstrip('_')}"
    return name


def _free(name: str, taken: set[str]) -> str:
    candidates: Iterable[str] = (f"{name}_{number}" for number in range(2, len(taken) + 3))
    free = next(one for one in (name, *candidates) if one.lower() not in taken)
    taken.add(free.lower())
    return free


_SIZES = ("num_bytes", "full_bytes")


class ServingModule(tf.Module):
    """Holds the traced signatures and what they read of a model.

    Saving the model itself would also save the optimizer's slots, metrics and Keras' own
    functions: three times the size on the server's disk, at load and in memory.

    Args:
        scorers: The model, by task.
        rankers: How it ranks, by task.
        raw: The inputs of `tensors`.
        tables: How the rows of tables are kept; see `StackedTables`.
    """

    def __init__(
        self,
        scorers: Mapping[str, Scorer],
        rankers: Mapping[str, Ranker],
        raw: RawInputs,
        tables: str = "float32",
    ) -> None:
        super().__init__(name="serving")
        self.raw = raw
        scorer = next(iter(scorers.values()))
        with contextlib.ExitStack() as stack:
            self._tables = [
                stack.enter_context(embedding.stacked(tables))
                for embedding in scorer.embeddings
                if isinstance(embedding, tfrs_afm.FieldEmbedding)
            ]
            self.functions = {
                name: function.get_concrete_function()
                for name, function in _functions(scorers, rankers, raw).items()
            }
        self._resources = _resources(scorer.model, self.functions.values())

    @property
    def table_bytes(self) -> tuple[int, int]:
        """Size of the rows as they are kept, and as the model has them."""
        kept, full = ([getattr(one, name) for one in self._tables] for name in _SIZES)
        return sum(kept), sum(full)

    @property
    def method_names(self) -> dict[str, str]:
        """The TensorFlow Serving method of each signature."""
        methods = {"classification": CLASSIFY, "regression": REGRESS}
        return {name: methods.get(signature_kind(name), PREDICT) for name in self.functions}


_STRINGS = tf.TensorSpec([None], tf.string, "inputs")
_EXAMPLES = tf.TensorSpec([None], tf.string, "examples")
_CONTEXT = tf.TensorSpec([None], tf.string, "context")


def _functions(
    scorers: Mapping[str, Scorer], rankers: Mapping[str, Ranker], raw: RawInputs
) -> dict[str, Any]:
    scorer = next(iter(scorers.values()))
    autograph = any(one.autograph for one in scorers.values())

    @tf.function(input_signature=[_STRINGS], autograph=autograph)
    def score(inputs: Any) -> dict[str, Any]:  # traced once, for three signatures
        return all_outputs(scorers, scorer.parse(inputs, ragged=True))

    @tf.function(input_signature=[_EXAMPLES], autograph=autograph)
    def predict(examples: Any) -> dict[str, Any]:
        return score(examples)

    @tf.function(input_signature=[raw.specs()], autograph=autograph)
    def tensors(inputs: Any) -> dict[str, Any]:
        return all_outputs(scorers, raw.features(inputs, as_parsed=scorer.task is None))

    functions = {DEFAULT_SIGNATURE: predict, "tensors": tensors}
    for task, one in scorers.items():
        for kind, function in _of_task(one, rankers[task], score).items():
            functions[signature_key(task, kind)] = function
    return functions


def _of_task(scorer: Scorer, ranker: Ranker, score: Any) -> dict[str, Any]:
    """The signatures of one task, by their kind."""
    predictions = scorer.output or "predictions"
    several = tf.TensorSpec([None, None], ranker.candidate_dtype, "candidates")

    @tf.function(input_signature=[_STRINGS], autograph=scorer.autograph)
    def classify(inputs: Any) -> dict[str, Any]:
        positive = score(inputs)[predictions]
        classes = tf.repeat([["0", "1"]], tf.shape(positive)[0], axis=0)  # (batch, 2)
        return {"classes": classes, "scores": tf.stack([1.0 - positive, positive], axis=1)}

    @tf.function(input_signature=[_STRINGS], autograph=scorer.autograph)
    def regress(inputs: Any) -> dict[str, Any]:
        return {"outputs": score(inputs)[predictions]}

    @tf.function(input_signature=[_CONTEXT, several], autograph=scorer.autograph)
    def rank(context: Any, candidates: Any) -> dict[str, Any]:
        tf.debugging.assert_equal(
            tf.shape(context)[0],
            tf.shape(candidates)[0],
            "`candidates` must have one row per `context`.",
        )
        return {"scores": ranker.scores(context, candidates)}

    @tf.function(input_signature=[_EXAMPLES], autograph=scorer.autograph)
    def explain(examples: Any) -> dict[str, Any]:
        return explained(scorer, scorer.parse(examples, ragged=True))

    functions = {"regression": regress, "rank": rank}
    if scorer.binary:
        functions["classification"] = classify
    if top_count(scorer):
        functions["explain"] = explain
    return functions


def _resources(model: Model, functions: Any) -> list[Any]:
    """The variables and vocabulary tables of a model that functions read."""
    captured = {id(tensor) for function in functions for tensor in function.graph.external_captures}
    found = {}
    for part in tf.train.TrackableView(model).descendants():
        handle = getattr(part, "handle", None)
        if handle is None:
            handle = getattr(part, "resource_handle", None)
        if handle is not None and id(handle) in captured:
            found[id(handle)] = part
    return list(found.values())
