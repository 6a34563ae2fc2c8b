"""Negative sampling: other examples of label 0 for each batch."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.configuration.training import Negatives


@dataclasses.dataclass(frozen=True)
class Candidates:
    """All items with their features, and which user chose which item, if known.

    Attributes:
        features: Feature name -> its values of the n items: `(n, ...)` array or tensor, or a
            `RaggedTensor` or `SparseTensor` for lists. The feature that names the item is among
            them, each item once. What is here changes with the item; every other feature of an
            example stays.
        counts: `(n,)`, how often each item is a positive; needed for their popularity.
        positives: Groups `(m,)` and items `(m,)` of all known positives, as values of their
            features. None where nothing is known.
    """

    features: Mapping[str, Any]
    counts: Any = None
    positives: tuple[Any, Any] | None = None


_ROUNDS = 100


def with_negatives(
    batches: Callable[[int, int], Any], negatives: Negatives, candidates: Candidates, seed: int
) -> Callable[[int, int], Any]:
    """Adds negatives behind the rows of each batch.

    What is drawn is a function of seed, epoch, number of the batch and row. An item that is a known
    positive of the same group, or the item of the positive itself, is drawn again; a row for which
    no other item is found in 100 draws gets fewer negatives.

    Args:
        batches: `batches(epoch, skip)`, as for `train`. Labels above 0 are positive.
        negatives: How many, and how they are drawn.
        candidates: From what they are drawn.
        seed: Any int.

    Returns:
        `batches` with larger batches; a negative has the sample weight of its positive.

    Raises:
        ValueError: If the candidates lack the item or the counts that `negatives` asks for.

    Example:
        >>> rows = {"item": [7, 8], "user": [1, 2]}, [[1.0], [0.0]]
        >>> examples = tf.data.Dataset.from_tensor_slices(rows).batch(2)
        >>> more = with_negatives(
        ...     lambda epoch, skip: examples.skip(skip),
        ...     Negatives(item="item", per_positive=2),
        ...     Candidates({"item": [7, 9]}),
        ...     seed=1,
        ... )
        >>> features, labels = next(iter(more(0, 0)))
        >>> features["item"].numpy().tolist(), features["user"].numpy().tolist()
        ([7, 8, 9, 9], [1, 2, 1, 1])
        >>> labels.numpy()[:, 0].tolist()
        [1.0, 0.0, 0.0, 0.0]
    """
    drawing = _Drawing(negatives, candidates)

    def of(epoch: int, skip: int) -> Any:
        base = tf.random.experimental.stateless_fold_in(tf.constant([seed, 0], tf.int64), epoch)

        def add(number: Any, batch: tuple[Any, ...]) -> tuple[Any, ...]:
            features, labels, *weights = batch
            positive = tf.where(tf.reshape(labels, [-1]) > 0)[:, 0]
            rows = tf.repeat(positive, negatives.per_positive)
            drawn = drawing(
                {name: _taken(value, rows) for name, value in features.items()},
                tf.random.experimental.stateless_fold_in(base, number),
            )
            found = tf.where(drawn >= 0)[:, 0]
            rows, drawn = tf.gather(rows, found), tf.gather(drawn, found)
            grown = {
                name: _joined(value, _taken(drawing.features[name], drawn))
                if name in drawing.features
                else _joined(value, _taken(value, rows))
                for name, value in features.items()
            }
            zeros = tf.zeros_like(tf.gather(labels, rows))
            more = [tf.concat([one, tf.gather(one, rows)], 0) for one in weights]
            return (grown, tf.concat([labels, zeros], 0), *more)

        numbered = batches(epoch, skip).enumerate(skip)
        return numbered.map(lambda number, batch: add(number, batch)).prefetch(2)

    return of


class _Drawing:
    """Draws candidates for rows, none of them a positive of its row's group."""

    def __init__(self, negatives: Negatives, candidates: Candidates) -> None:
        self.features = {name: _rows_of(value) for name, value in dict(candidates.features).items()}
        if negatives.item not in self.features:
            raise ValueError(
                f"`candidates` must have the feature of the item. Received: candidates with "
                f"{sorted(self.features)}, item={negatives.item!r}."
            )
        self._negatives = negatives
        items = _flat(self.features[negatives.item])
        self._count = len(items)
        self._index = _table(items)
        self._cumulative: Any = None
        if negatives.distribution == "popularity":
            if candidates.counts is None:
                raise ValueError(
                    "`candidates` must have counts to be drawn by popularity. Received: "
                    "counts=None."
                )
            weights = np.asarray(candidates.counts, np.float64) ** negatives.power
            self._cumulative = tf.constant(np.cumsum(weights))
        self._groups: Any = None
        if negatives.group is not None and candidates.positives is not None:
            groups, chosen = (np.reshape(np.asarray(one), -1) for one in candidates.positives)
            known, numbers = np.unique(groups, return_inverse=True)
            self._groups = _table(known)
            places = self._index.lookup(tf.constant(chosen)).numpy()
            pairs = (numbers.astype(np.int64) * self._count + places)[places >= 0]
            self._pairs = tf.constant(np.unique(pairs))

    def __call__(self, features: dict[str, Any], seed: Any) -> Any:
        """Returns `(rows,)` int64, the number of a candidate each; -1 where none was found."""
        own = self._index.lookup(_flat(features[self._negatives.item]))
        group = None
        if self._groups is not None:
            group = self._groups.lookup(_flat(features[self._negatives.group or ""]))
        size = tf.shape(own)[0]

        def draw(number: Any, drawn: Any) -> tuple[Any, Any]:
            at = self._draw(size, tf.random.experimental.stateless_fold_in(seed, number))
            good = tf.not_equal(at, own)
            if group is not None:
                pair = group * self._count + at
                place = tf.searchsorted(self._pairs, pair)
                near = tf.gather(self._pairs, tf.minimum(place, tf.size(self._pairs) - 1))
                good &= (group < 0) | tf.not_equal(near, pair)
            return number + 1, tf.where((drawn < 0) & good, at, drawn)

        _, drawn = tf.while_loop(
            lambda number, drawn: (number < _ROUNDS) & tf.reduce_any(drawn < 0),
            draw,
            [tf.constant(0), tf.fill([size], tf.constant(-1, tf.int64))],
        )
        return drawn

    def _draw(self, size: Any, seed: Any) -> Any:
        if self._cumulative is None:
            return tf.random.stateless_uniform([size], seed, 0, self._count, tf.int64)
        at = tf.random.stateless_uniform([size], seed, dtype=tf.float64) * self._cumulative[-1]
        found = tf.searchsorted(self._cumulative, at, side="right", out_type=tf.int64)
        return tf.minimum(found, self._count - 1)  # at may be rounded up to the end


def _table(keys: Any) -> Any:
    """A table from values of a feature to their numbers; -1 for others."""
    keys = tf.constant(keys)
    keys = keys if keys.dtype == tf.string else tf.cast(keys, tf.int64)
    numbers = tf.range(tf.size(keys, tf.int64))
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(keys, numbers), -1)


def _flat(values: Any) -> Any:
    """One value a row, `(rows,)`."""
    values = getattr(values, "values", values)
    values = tf.reshape(values, [-1])
    return values if values.dtype == tf.string else tf.cast(values, tf.int64)


def _rows_of(values: Any) -> Any:
    if isinstance(values, tf.SparseTensor):
        return tf.RaggedTensor.from_sparse(values)
    return values if isinstance(values, tf.RaggedTensor) else tf.convert_to_tensor(values)


def _taken(values: Any, rows: Any) -> Any:
    return tf.gather(_rows_of(values), rows)


def _joined(values: Any, more: Any) -> Any:
    """Rows behind those of a batch, in the batch's form."""
    joined = tf.concat([_rows_of(values), _cast(more, values)], 0)
    return joined.to_sparse() if isinstance(values, tf.SparseTensor) else joined


def _cast(more: Any, values: Any) -> Any:
    more = more if more.dtype == values.dtype else tf.cast(more, values.dtype)
    if isinstance(more, tf.RaggedTensor) or isinstance(values, tf.SparseTensor | tf.RaggedTensor):
        return more
    return tf.reshape(more, tf.concat([tf.shape(more)[:1], tf.shape(values)[1:]], 0))


def candidates_of(negatives: Negatives, batches: Iterable[Any]) -> Candidates:
    """Collects each item once, with its features, how often it is a positive, and whose.

    Args:
        negatives: Names the item, what comes with it, and the group.
        batches: Batches of `(features, labels, ...)` of the training split that hold these
            features. An item has the features of the first row that it is in; a row without an
            item counts for nothing.

    Returns:
        What `train` draws from.

    Raises:
        ValueError: If a row has several items, or there is no item at all.

    Example:
        >>> rows = {"film": tf.constant([7, 8, 7])}, tf.constant([[1.0], [0.0], [1.0]])
        >>> found = candidates_of(Negatives(item="film"), [rows])
        >>> found.features["film"].numpy().tolist(), found.counts.tolist()
        ([7, 8], [2, 0])
    """
    names = dict.fromkeys((negatives.item, *negatives.item_features))
    known: dict[Any, int] = {}
    taken: dict[str, list[Any]] = {name: [] for name in names}
    liked: list[Any] = []
    groups: list[Any] = []
    for features, labels, *_ in batches:
        ids, rows = _one_each(features[negatives.item], negatives.item)
        new = {}
        for item, row in zip(ids.tolist(), rows.tolist(), strict=True):
            if item not in known:
                known[item] = len(known)
                new[item] = row
        first = tf.constant(list(new.values()), tf.int64)
        for name in names:
            taken[name].append(tf.gather(_parsed_rows(features[name]), first))
        positive = labels.numpy().reshape(-1)[rows] > 0
        liked.extend(ids[positive].tolist())
        if negatives.group is not None:
            members, own = _one_each(features[negatives.group], negatives.group)
            if len(own) != len(labels):
                raise ValueError(
                    "`training.negatives.group` must have a value in every row. Received: a row "
                    f"without one for field '{negatives.group}'. Leave the group out, or mend it."
                )
            groups.extend(members[rows[positive]].tolist())
    if not known:
        raise ValueError(
            "`training.negatives.item` must name a feature with values. Received: "
            f"item={negatives.item!r}, which no row of the training split has."
        )
    times = Counter(liked)
    return Candidates(
        {name: tf.concat(parts, 0) for name, parts in taken.items()},
        np.array([times[item] for item in known]),
        (groups, liked) if negatives.group is not None else None,
    )


def _one_each(values: Any, name: str) -> tuple[Any, Any]:
    """The value of each row that has one, and the numbers of these rows."""
    if isinstance(values, tf.SparseTensor):
        rows = values.indices.numpy()[:, 0]
        if len(np.unique(rows)) < len(rows):
            raise ValueError(
                "`training.negatives` must name features with one value a row. Received: "
                f"several for field '{name}'."
            )
        return values.values.numpy(), rows
    flat = values.numpy().reshape(-1)
    return flat, np.arange(len(flat))


def _parsed_rows(values: Any) -> Any:
    return tf.RaggedTensor.from_sparse(values) if isinstance(values, tf.SparseTensor) else values
