"""Golden rows as requests, with the trained model's answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from serving.exporting.ranker import Ranker
from serving.exporting.scorer import Scorer
from serving.server.methods import DEFAULT_SIGNATURE

_CANDIDATES = 4


def golden_requests(
    scorer: Scorer, ranker: Ranker, examples: Sequence[Any]
) -> dict[str, dict[str, Any]]:
    """Asks the trained model, eagerly and as a whole, what every signature must answer.

    Args:
        scorer: The model.
        ranker: How it ranks.
        examples: The golden rows, `tf.train.Example`s.

    Returns:
        Per signature `inputs` and `outputs`, arrays by name with one row per golden row.

    Raises:
        ValueError: If the model's answer is not a finite number.
    """
    rows = np.array([one.SerializeToString() for one in examples], object)
    answers = _answers(scorer, rows)
    requests = {
        DEFAULT_SIGNATURE: {"inputs": {"examples": rows}, "outputs": answers},
        "regression": {"inputs": {"inputs": rows}, "outputs": {"outputs": answers["predictions"]}},
        "rank": _rank(scorer, ranker, examples),
    }
    if scorer.binary:
        positive = answers["predictions"]
        requests["classification"] = {
            "inputs": {"inputs": rows},
            "outputs": {
                "classes": np.array([[b"0", b"1"]] * len(rows), object),
                "scores": np.stack([1 - positive, positive], axis=1),
            },
        }
    return requests


def _answers(scorer: Scorer, rows: Any) -> dict[str, Any]:
    features = scorer.parse(tf.constant(rows))
    own = scorer.answer(features).numpy()
    for row, answer in enumerate(own):
        if not np.isfinite(answer):
            raise ValueError(
                "`model` must answer with finite numbers. Received: model="
                f"{type(scorer.model).__name__}, which answers golden row {row} with {answer}: "
                f"{tf.train.Example.FromString(rows[row])}. Look at the training loss, and at "
                "normalizers of numeric columns."
            )
    if scorer.task is None:
        return {"predictions": own}
    # The model's own answer is one of the two; the other is its task's view of the same fields.
    logits = scorer.task.logits(*scorer.embedding(features), training=False)
    views = {"predictions": scorer.task.predictions(logits), "logits": logits}
    return {name: view.numpy().astype(np.float32)[:, 0] for name, view in views.items()}


def _rank(scorer: Scorer, ranker: Ranker, examples: Sequence[Any]) -> dict[str, Any]:
    items = set(scorer.spec if ranker.candidate_features is None else ranker.candidate_features)
    contexts, candidates = list(examples), [_only(one, items) for one in examples]
    if ranker.candidate_features is not None:
        contexts = [_only(one, set(scorer.spec) - items) for one in examples]
    if ranker.ids:
        key = next(iter(items))
        candidates = [one for one in candidates if _ids(one, key)]
    count = len(candidates)
    picks = [[(row + step) % count for step in range(_CANDIDATES)] for row in range(len(contexts))]
    joined = [
        contexts[row].SerializeToString() + candidates[pick].SerializeToString()
        for row, row_picks in enumerate(picks)
        for pick in row_picks
    ]
    scores = _answers(scorer, np.array(joined, object))["predictions"]
    if ranker.ids:
        sent = [_ids(one, next(iter(items)))[0] for one in candidates]
    else:
        sent = [one.SerializeToString() for one in candidates]
    return {
        "inputs": {
            "context": np.array([one.SerializeToString() for one in contexts], object),
            "candidates": np.array([[sent[pick] for pick in row] for row in picks], object),
        },
        "outputs": {"scores": scores.reshape(len(contexts), _CANDIDATES)},
    }


def _only(example: Any, keys: set[str]) -> Any:
    part = tf.train.Example()
    for key in sorted(keys & set(example.features.feature)):
        part.features.feature[key].CopyFrom(example.features.feature[key])
    return part


def _ids(example: Any, key: str) -> list[Any]:
    if key not in example.features.feature:
        return []
    feature = example.features.feature[key]
    return [*feature.int64_list.value, *feature.bytes_list.value]
