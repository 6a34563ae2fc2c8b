"""One user's context, many candidates."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import tensorflow as tf

from serving.exporting.scorer import Scorer
from serving.exporting.shared_pairs import SharedPairs


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
            scores = self._scorer.outputs(self._scorer.parse(joined))["predictions"]
        return tf.reshape(scores, shape)

    def _score_shared(self, context: Any, candidates: Any, rows: Any) -> Any:
        scorer = self._scorer
        users = scorer.parse(context, self._context_keys)
        if self.ids and self.candidate_features is not None:
            items = {self.candidate_features[0]: candidates[:, tf.newaxis]}
        else:
            items = scorer.parse(candidates, self.candidate_features)
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
    """Repeats rows of a parsed feature, sparse ones at their true lengths."""
    if isinstance(feature, tf.SparseTensor):
        feature = tf.RaggedTensor.from_sparse(feature)
    return tf.gather(feature, rows)
