"""The pairs of one context, computed once for all its candidates."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf

from tfrs_afm.interactions.afm import AFM
from tfrs_afm.interactions.attention_pooling import AttentionPooling

# A masked pair's score, and the least maximum of a row: so far apart that a masked pair weighs 0.
_MASKED, _LOWEST = -1e30, -5e29


class SharedPairs:
    """Attention pooling in two parts, put together as a running softmax is.

    The softmax of AFM goes over all pairs, but its sums may be added up in any order: those over
    the pairs within the context are the same for all candidates.

    Args:
        interaction: The interaction of the task.
        num_once: How many fields come from the context alone.
        num_each: How many fields a candidate has a part in.
    """

    def __init__(self, interaction: Any, num_once: int, num_each: int) -> None:
        fields = num_once + num_each
        within, all_pairs = num_once * (num_once - 1) // 2, fields * (fields - 1) // 2
        pooling = interaction.pairs_pooling if isinstance(interaction, AFM) else None
        # Below half there is little to win, and `attend_pairs` holds fewer pairs at a time.
        self.pays = isinstance(pooling, AttentionPooling) and 2 * within > all_pairs
        self._pooling: Any = pooling

    @contextmanager
    def pooled(self, once: Any, each: Any, rows: Any) -> Iterator[None]:
        """Has the interaction pool in two parts while the block runs.

        Args:
            once: `Fields` of the contexts, `(contexts, num_once, ...)`.
            each: `Fields` of the candidates, `(candidates, num_each, ...)`.
            rows: `(candidates,)`, the context of each candidate.
        """
        pooled = self._pool(once, each, rows)
        # Past Keras' bookkeeping: this is no part of the model.
        vars(self._pooling)["pool_members"] = lambda *_, **__: pooled
        try:
            yield
        finally:
            del vars(self._pooling)["pool_members"]

    def _pool(self, once: Any, each: Any, rows: Any) -> Any:
        within = self._sums(*_pairs_within(once.vectors, once.mask))
        top, total, pooled = (tf.gather(part, rows) for part in within)
        context, real = tf.gather(once.vectors, rows), tf.gather(once.mask, rows)
        dim = each.vectors.shape[-1]
        crossed = context[:, :, tf.newaxis] * each.vectors[:, tf.newaxis]
        crossed_real = real[:, :, tf.newaxis] & each.mask[:, tf.newaxis]
        num_crossed = once.vectors.shape[1] * each.vectors.shape[1]
        own, own_real = _pairs_within(each.vectors, each.mask)
        pairs = tf.concat([tf.reshape(crossed, [-1, num_crossed, dim]), own], axis=1)
        mask = tf.concat([tf.reshape(crossed_real, [-1, num_crossed]), own_real], axis=1)
        other_top, other_total, other_pooled = self._sums(pairs, mask)
        highest = tf.maximum(top, other_top)
        one, other = tf.exp(top - highest), tf.exp(other_top - highest)
        return tf.math.divide_no_nan(
            pooled * one[:, tf.newaxis] + other_pooled * other[:, tf.newaxis],
            (total * one + other_total * other)[:, tf.newaxis],
        )

    def _sums(self, pairs: Any, mask: Any) -> tuple[Any, Any, Any]:
        """Highest score, sum of weights and weighted sum of pairs of each row."""
        layer = self._pooling
        hidden = tf.nn.relu(tf.matmul(pairs, layer.kernel) + layer.bias)
        scores = tf.squeeze(tf.matmul(hidden, layer.projection), axis=2) / layer.temperature
        scores = tf.where(mask, scores, _MASKED)
        top = tf.maximum(tf.reduce_max(scores, axis=1), _LOWEST)
        weights = tf.exp(scores - top[:, tf.newaxis])
        return top, tf.reduce_sum(weights, axis=1), tf.einsum("rp,rpd->rd", weights, pairs)


def _pairs_within(vectors: Any, mask: Any) -> tuple[Any, Any]:
    """Products of all pairs `(rows, num_pairs, dim)`, and which are real."""
    count = vectors.shape[1]
    first = [i for i in range(count) for _ in range(i + 1, count)]
    second = [j for i in range(count) for j in range(i + 1, count)]
    first, second = tf.constant(first, tf.int32), tf.constant(second, tf.int32)
    products = tf.gather(vectors, first, axis=1) * tf.gather(vectors, second, axis=1)
    return products, tf.gather(mask, first, axis=1) & tf.gather(mask, second, axis=1)
