"""The items of the training part, from which negatives are drawn."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from pipelines.configuration.negatives import Negatives
from pipelines.training.candidates import Candidates


def candidates_of(negatives: Negatives, batches: Iterable[Any]) -> Candidates:
    """Collects each item once, with its features, how often it is a positive, and whose.

    Args:
        negatives: Names the item, what comes with it, and the group.
        batches: Batches of `(features, labels, ...)` of the training part that hold these
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
            taken[name].append(tf.gather(_rows_of(features[name]), first))
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
            f"item={negatives.item!r}, which no row of the training part has."
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


def _rows_of(values: Any) -> Any:
    return tf.RaggedTensor.from_sparse(values) if isinstance(values, tf.SparseTensor) else values
