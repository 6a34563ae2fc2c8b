"""The signature `rank`: one user's context, many candidates."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import tensorflow as tf

from serving.exporting.scorer import Scorer
from tfrs_afm.interactions.afm import AFM
from tfrs_afm.interactions.attention_pooling import AttentionPooling
from tfrs_afm.interactions.formulas import all_pairs
from tfrs_afm.types import Layer, Tensor


class Ranker:
    """Scores N candidates for each context; the context's part is computed once.

    Three forms, by what is known:
      - candidates are ids: one feature of one id says which item it is;
      - candidates are serialized examples of the `candidate_features`;
      - nothing is known: a candidate is an example that is put behind the context's, so that
        its features win, and every pair is scored as a whole.

    Args:
        scorer: The model.
        candidate_features: The features that come with a candidate; all others come with the
            context. Default: unknown.
        ids: Whether candidates are ids. Only with one feature, of ids, and a model in parts.
    """

    def __init__(
        self, scorer: Scorer, candidate_features: Sequence[str] | None, *, ids: bool
    ) -> None:
        self._scorer = scorer
        self.candidate_features = candidate_features
        self.ids = ids
        items = set(candidate_features or ())
        self._context_keys = [key for key in scorer.spec if key not in items]
        self._shared = candidate_features is not None and scorer.task is not None
        if self._shared:
            fields = scorer.embedding.fields
            self._once = [field for field in fields if not items & set(field.keys)]
            self._each = [field for field in fields if items & set(field.keys)]
            order = [field.name for field in (*self._once, *self._each)]
            self._order = [order.index(field.name) for field in fields]
            self._pairs = SharedPairs(scorer.task.interaction, len(self._once), len(self._each))

    @property
    def candidate_dtype(self) -> Any:
        """Element type of the candidates."""
        if not self.ids or self.candidate_features is None:
            return tf.string
        return self._scorer.spec[self.candidate_features[0]].dtype

    def scores(self, context: Any, candidates: Any) -> Any:
        """Scores candidates.

        Args:
            context: `(batch,)` serialized examples.
            candidates: `(batch, N)` ids or serialized examples.

        Returns:
            `(batch, N)` float32 predictions.
        """
        shape = tf.shape(candidates)
        rows = tf.repeat(tf.range(shape[0]), shape[1])  # (batch * N,), the context of each pair
        flat = tf.reshape(candidates, [-1])
        if self._shared:
            scores = self._score_shared(context, flat, rows)
        else:
            joined = tf.strings.join([tf.gather(context, rows), flat])
            scores = self._scorer.outputs(self._scorer.parse(joined, ragged=True))["predictions"]
        return tf.reshape(scores, shape)

    def _score_shared(self, context: Any, candidates: Any, rows: Any) -> Any:
        scorer = self._scorer
        users = scorer.parse(context, self._context_keys, ragged=True)
        if self.ids and self.candidate_features is not None:
            items = {self.candidate_features[0]: candidates[:, tf.newaxis]}
        else:
            items = scorer.parse(candidates, self.candidate_features, ragged=True)
        mixed = {key for field in self._each for key in field.keys if key in users}
        pairs = {**items, **{key: _gather(users[key], rows) for key in mixed}}
        parts: list[Any] = []
        pooled: Any = nullcontext()
        with scorer.no_losses():
            if self._once:
                once = scorer.embedding.embed(users, self._once)
                parts.append([None if part is None else tf.gather(part, rows) for part in once])
            if self._each:
                each = scorer.embedding.embed(pairs, self._each)
                parts.append(list(each))
                if self._once and self._pairs.pays:
                    pooled = self._pairs.pooled(once, each, rows)
        # (batch * N, n, ...), the fields back in their declared order
        fields = [
            None if column[0] is None else tf.gather(tf.concat(column, 1), self._order, axis=1)
            for column in zip(*parts, strict=True)
        ]
        with pooled:
            return scorer.task_outputs(*fields)["predictions"]


def _gather(feature: Any, rows: Any) -> Any:
    """Repeats rows of a parsed feature, lists at their true lengths."""
    if isinstance(feature, tf.SparseTensor):
        feature = tf.RaggedTensor.from_sparse(feature)
    return tf.gather(feature, rows)


# A masked pair's score, and the least maximum of a row: so far apart that a masked pair weighs 0.
_MASKED, _LOWEST = -1e30, -5e29


class SharedPairs:
    """Attention pooling in two parts, put together as a running softmax is.

    The softmax of AFM goes over all pairs, but its sums may be added up in any order: those over
    the pairs within the context are the same for all candidates, and of a pair of a context's field
    and a candidate's the context's part goes into W, and out of the sum.

    Args:
        interaction: The interaction of the task.
        num_once: How many fields come from the context alone.
        num_each: How many fields a candidate has a part in.
    """

    def __init__(self, interaction: Layer, num_once: int, num_each: int) -> None:
        fields = num_once + num_each
        own, all_pairs = num_each * (num_each - 1) // 2, fields * (fields - 1) // 2
        pooling = interaction.pairs_pooling if isinstance(interaction, AFM) else None
        # Pairs within a candidate are as dear as before, and `attend_pairs` holds fewer at a time.
        shares = isinstance(pooling, AttentionPooling) and pooling.softmax
        self.pays = shares and num_once > 1 and 2 * own < all_pairs
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
        top, total, pooled = (tf.gather(part, rows) for part in self._within(once))
        own, own_real = _pairs_within(each.vectors, each.mask)
        real = tf.gather(once.mask, rows)
        crossed_real = each.mask[:, :, tf.newaxis] & real[:, tf.newaxis]  # (rows, each, once)
        num_crossed = once.vectors.shape[1] * each.vectors.shape[1]
        scores = tf.reshape(self._crossed_scores(once.vectors, each.vectors), [-1, num_crossed])
        mask = tf.reshape(crossed_real, [-1, num_crossed])
        if own.shape[1]:
            scores = tf.concat([scores, self._scores(own)], axis=1)
            mask = tf.concat([mask, own_real], axis=1)
        other_top, weights = _weights(scores, mask)
        other_total = tf.reduce_sum(weights, axis=1)
        other_pooled = self._crossed_sum(once.vectors, each.vectors, weights[:, :num_crossed])
        if own.shape[1]:
            other_pooled += _sum(weights[:, num_crossed:], own)
        highest = tf.maximum(top, other_top)
        one, other = tf.exp(top - highest), tf.exp(other_top - highest)
        return tf.math.divide_no_nan(
            pooled * one[:, tf.newaxis] + other_pooled * other[:, tf.newaxis],
            (total * one + other_total * other)[:, tf.newaxis],
        )

    def _within(self, once: Any) -> tuple[Any, Any, Any]:
        """Highest score, sum of weights and weighted sum of the pairs within each context."""
        pairs, mask = _pairs_within(once.vectors, once.mask)
        top, weights = _weights(self._scores(pairs), mask)
        return top, tf.reduce_sum(weights, axis=1), _sum(weights, pairs)

    def _scores(self, pairs: Tensor) -> Tensor:
        """The attention network's score of each pair, `(rows, pairs)`."""
        count, dim = pairs.shape[1:]
        # Flat: a product for each row, of as many pairs as it has, is slower than one for all.
        hidden = tf.matmul(tf.reshape(pairs, [-1, dim]), self._pooling.kernel)
        return tf.reshape(self._heads(tf.nn.bias_add(hidden, self._pooling.bias)), [-1, count])

    def _heads(self, hidden: Tensor) -> Tensor:
        layer = self._pooling
        return tf.matmul(tf.nn.relu(hidden), layer.projection / layer.temperature)

    def _crossed_scores(self, context: Tensor, candidate: Tensor) -> Tensor:
        """Scores of pairs between context and candidate, `(candidates, num_each * num_once)`.

        `W^T (c * v) = (W^T diag(c)) v`: where a context has many candidates, its fields are put
        into W once, and no product of two vectors is made. Candidates of a context follow each
        other, and each context has as many, as `rank` takes them.
        """
        layer = self._pooling
        (num_once, dim), units = context.shape[1:], layer.kernel.shape[1]
        num_each, contexts = candidate.shape[1], tf.shape(context)[0]
        many = tf.shape(candidate)[0] * num_each // tf.maximum(contexts, 1)  # of a context

        def put_into_kernel() -> Any:
            kernels = context[:, :, :, tf.newaxis] * layer.kernel  # (contexts, once, dim, units)
            kernels = tf.reshape(tf.transpose(kernels, [0, 2, 1, 3]), [-1, dim, num_once * units])
            vectors = tf.reshape(candidate, [contexts, many, dim])
            hidden = tf.reshape(tf.matmul(vectors, kernels), [-1, num_once * units])
            hidden = tf.nn.bias_add(hidden, tf.tile(layer.bias, [num_once]))
            return self._heads(tf.reshape(hidden, [-1, units]))

        def put_into_vectors() -> Any:
            vectors = tf.reshape(candidate, [contexts, many, 1, dim])
            pairs = tf.reshape(vectors * context[:, tf.newaxis], [-1, dim])
            return self._heads(tf.nn.bias_add(tf.matmul(pairs, layer.kernel), layer.bias))

        return tf.cond(many >= units, put_into_kernel, put_into_vectors)

    @staticmethod
    def _crossed_sum(context: Tensor, candidate: Tensor, weights: Tensor) -> Tensor:
        """The weighted sum of pairs between context and candidate, `(candidates, dim)`.

        The sum over c of w (c * v) is v times that of w c.
        """
        (num_once, dim), num_each = context.shape[1:], candidate.shape[1]
        contexts = tf.shape(context)[0]
        many = tf.shape(candidate)[0] * num_each // tf.maximum(contexts, 1)
        mixed = tf.matmul(tf.reshape(weights, [contexts, many, num_once]), context)
        return tf.reduce_sum(candidate * tf.reshape(mixed, [-1, num_each, dim]), axis=1)


def _weights(scores: Tensor, mask: Tensor) -> tuple[Any, Any]:
    """The highest score of each row `(rows,)`, and what its pairs weigh beside it."""
    scores = tf.where(mask, scores, _MASKED)
    top = tf.maximum(tf.reduce_max(scores, axis=1), _LOWEST)
    return top, tf.exp(scores - top[:, tf.newaxis])


def _sum(weights: Tensor, pairs: Tensor) -> Tensor:
    return tf.squeeze(tf.matmul(weights[:, tf.newaxis], pairs), 1)


def _pairs_within(vectors: Tensor, mask: Tensor) -> tuple[Any, Any]:
    """Products of all pairs `(rows, num_pairs, dim)`, and which are real."""
    first, second = (tf.constant(one, tf.int32) for one in all_pairs(vectors.shape[1]))
    products = tf.gather(vectors, first, axis=1) * tf.gather(vectors, second, axis=1)
    return products, tf.gather(mask, first, axis=1) & tf.gather(mask, second, axis=1)
