"""The pairs that mattered most, as dense outputs."""

import itertools
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from serving.exporting.scorer import Scorer

_TOP = 5


def top_count(scorer: Scorer) -> int:
    """How many pairs are told of; 0 where the model has none, or is not in parts."""
    if scorer.task is None or not hasattr(scorer.task.interaction, "contributions"):
        return 0
    fields = len(scorer.embedding.fields)
    return min(_TOP, fields * (fields - 1) // 2)


def pair_names(scorer: Scorer) -> list[tuple[str, str]]:
    """Names of the two fields of every pair, in the order of contributions."""
    return list(itertools.combinations([field.name for field in scorer.embedding.fields], 2))


def explained(scorer: Scorer, features: Mapping[str, Any]) -> dict[str, Any]:
    """Explains scores, as the `explain` signature answers.

    Args:
        scorer: A model in parts.
        features: Parsed features.

    Returns:
        `first_field` and `second_field`, strings, `contribution`, the pair's signed share of the
        logit, and `attention`, all `(batch, top)`, the largest share first; and `logits`.
    """
    with scorer.no_losses():
        fields = scorer.embedding.embed(features, scorer.embedding.fields)
        logits = scorer.task_outputs(*fields)["logits"]
    parts = scorer.task.interaction.contributions(*fields)
    shares = tf.cast(parts.pairs, tf.float32)  # (batch, num_pairs)
    _, order = tf.math.top_k(tf.abs(shares), top_count(scorer))
    first, second = zip(*pair_names(scorer), strict=True)
    return {
        "first_field": tf.gather(tf.constant(first), order),
        "second_field": tf.gather(tf.constant(second), order),
        "contribution": tf.gather(shares, order, batch_dims=1),
        "attention": tf.gather(tf.cast(parts.attention, tf.float32), order, batch_dims=1),
        "logits": logits,
    }
