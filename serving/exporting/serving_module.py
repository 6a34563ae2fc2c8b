"""What is saved: the signatures and the variables they read, nothing else."""

from typing import Any

import tensorflow as tf

from serving.exporting.ranker import Ranker
from serving.exporting.scorer import Scorer
from serving.server.methods import CLASSIFY, DEFAULT_SIGNATURE, PREDICT, REGRESS


class ServingModule(tf.Module):
    """Holds the traced signatures and what they read of a model.

    Saving the model itself would also save the optimizer's slots, metrics and Keras' own
    functions: three times the size on the server's disk, at load and in memory.

    Args:
        scorer: The model.
        ranker: How it ranks.
    """

    def __init__(self, scorer: Scorer, ranker: Ranker) -> None:
        super().__init__(name="serving")
        self.functions = {
            name: function.get_concrete_function()
            for name, function in _functions(scorer, ranker).items()
        }
        self._resources = _resources(scorer.model, self.functions.values())

    @property
    def method_names(self) -> dict[str, str]:
        """The TensorFlow Serving method of each signature."""
        methods = {"classification": CLASSIFY, "regression": REGRESS}
        return {name: methods.get(name, PREDICT) for name in self.functions}


def _functions(scorer: Scorer, ranker: Ranker) -> dict[str, Any]:
    strings = tf.TensorSpec([None], tf.string, "inputs")
    several = tf.TensorSpec([None, None], ranker.candidate_dtype, "candidates")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "examples")])
    def predict(examples: Any) -> dict[str, Any]:
        return scorer.outputs(scorer.parse(examples))

    @tf.function(input_signature=[strings])
    def classify(inputs: Any) -> dict[str, Any]:
        positive = scorer.outputs(scorer.parse(inputs))["predictions"]
        classes = tf.repeat([["0", "1"]], tf.shape(positive)[0], axis=0)  # (batch, 2)
        return {"classes": classes, "scores": tf.stack([1.0 - positive, positive], axis=1)}

    @tf.function(input_signature=[strings])
    def regress(inputs: Any) -> dict[str, Any]:
        return {"outputs": scorer.outputs(scorer.parse(inputs))["predictions"]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "context"), several])
    def rank(context: Any, candidates: Any) -> dict[str, Any]:
        tf.debugging.assert_equal(
            tf.shape(context)[0],
            tf.shape(candidates)[0],
            "`candidates` must have one row per `context`.",
        )
        return {"scores": ranker.scores(context, candidates)}

    functions = {DEFAULT_SIGNATURE: predict, "regression": regress, "rank": rank}
    return {**functions, "classification": classify} if scorer.binary else functions


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
