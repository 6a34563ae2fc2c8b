"""What is saved: the signatures and the variables they read, nothing else."""

from typing import Any

import tensorflow as tf

from serving.exporting.explained import explained, top_count
from serving.exporting.ranker import Ranker
from serving.exporting.raw_inputs import RawInputs
from serving.exporting.scorer import Scorer
from serving.server.methods import CLASSIFY, DEFAULT_SIGNATURE, PREDICT, REGRESS


class ServingModule(tf.Module):
    """Holds the traced signatures and what they read of a model.

    Saving the model itself would also save the optimizer's slots, metrics and Keras' own
    functions: three times the size on the server's disk, at load and in memory.

    Args:
        scorer: The model.
        ranker: How it ranks.
        raw: The inputs of `tensors`.
    """

    def __init__(self, scorer: Scorer, ranker: Ranker, raw: RawInputs) -> None:
        super().__init__(name="serving")
        self.raw = raw
        self.functions = {
            name: function.get_concrete_function()
            for name, function in _functions(scorer, ranker, raw).items()
        }
        self._resources = _resources(scorer.model, self.functions.values())

    @property
    def method_names(self) -> dict[str, str]:
        """The TensorFlow Serving method of each signature."""
        methods = {"classification": CLASSIFY, "regression": REGRESS}
        return {name: methods.get(name, PREDICT) for name in self.functions}


def _functions(scorer: Scorer, ranker: Ranker, raw: RawInputs) -> dict[str, Any]:
    strings = tf.TensorSpec([None], tf.string, "inputs")
    several = tf.TensorSpec([None, None], ranker.candidate_dtype, "candidates")

    @tf.function(input_signature=[strings])
    def score(inputs: Any) -> dict[str, Any]:  # traced once, for three signatures
        return scorer.outputs(scorer.parse(inputs))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def predict(examples: Any) -> dict[str, Any]:
        return score(examples)

    @tf.function(input_signature=[strings])
    def classify(inputs: Any) -> dict[str, Any]:
        positive = score(inputs)["predictions"]
        classes = tf.repeat([["0", "1"]], tf.shape(positive)[0], axis=0)  # (batch, 2)
        return {"classes": classes, "scores": tf.stack([1.0 - positive, positive], axis=1)}

    @tf.function(input_signature=[strings])
    def regress(inputs: Any) -> dict[str, Any]:
        return {"outputs": score(inputs)["predictions"]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "context"), several])
    def rank(context: Any, candidates: Any) -> dict[str, Any]:
        tf.debugging.assert_equal(
            tf.shape(context)[0],
            tf.shape(candidates)[0],
            "`candidates` must have one row per `context`.",
        )
        return {"scores": ranker.scores(context, candidates)}

    @tf.function(input_signature=[raw.specs()])
    def tensors(inputs: Any) -> dict[str, Any]:
        return scorer.outputs(raw.features(inputs))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def explain(examples: Any) -> dict[str, Any]:
        return explained(scorer, scorer.parse(examples))

    functions = {
        DEFAULT_SIGNATURE: predict,
        "regression": regress,
        "rank": rank,
        "tensors": tensors,
    }
    if scorer.binary:
        functions["classification"] = classify
    if top_count(scorer):
        functions["explain"] = explain
    return functions


def _resources(model: Any, functions: Any) -> list[Any]:
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
