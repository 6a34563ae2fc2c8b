"""Which field pairs matter over a data set."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from tfrs_afm.explain import explain
from tfrs_afm.models.field_ranking import FieldRanking
from tfrs_afm.pair_averages import PairAverages


def explain_dataset(
    model: FieldRanking, batches: Iterable[Any], task: str | None = None
) -> PairAverages:
    """Averages explanations over a data set, batch by batch.

    At id level the pairs of ids are added up to pairs of their fields, also of a field with itself.

    Args:
        model: As for `explain`.
        batches: Batches of features, or tuples that begin with them, as `fit` takes them.
        task: As for `explain`.

    Returns:
        The averages, as a table and as a heat map.

    Raises:
        ValueError: If there are no examples.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> columns = [
        ...     fc.embedding_column(fc.categorical_column_with_identity(name, 10), 4)
        ...     for name in ("user", "film")
        ... ]
        >>> model = tfrs_afm.models.AFM(columns, attention_units=4)
        >>> batch = {"user": tf.constant([[1], [2]]), "film": tf.constant([[3], [4]])}
        >>> averages = tfrs_afm.explain_dataset(model, [batch])
        >>> averages.examples, averages.table()[0]["fields"]
        (2, ('user_embedding', 'film_embedding'))
    """
    fields = [field.name for field in model.embedding.fields]
    place = {name: index for index, name in enumerate(fields)}
    sums = np.zeros([4, len(fields), len(fields)])  # contribution, magnitude, attention, seen
    linear, examples = np.zeros(len(fields)), 0
    for batch in batches:
        explained = explain(model, batch[0] if isinstance(batch, list | tuple) else batch, task)
        examples += len(explained.logits)
        owners = [place[name] for name in explained.fields_of]
        np.add.at(linear, owners, explained.linear.sum(0))
        by_pair: dict[tuple[int, int], list[int]] = {}
        for pair, (one, other) in enumerate(explained.pair_members):
            key = sorted((owners[one], owners[other]))
            by_pair.setdefault((key[0], key[1]), []).append(pair)
        for (i, j), pairs in by_pair.items():
            share = explained.pairs[:, pairs].sum(1)
            attention = explained.attention[:, pairs].sum(1)
            sums[:, i, j] += [
                share.sum(),
                np.abs(share).sum(),
                attention.sum(),
                (attention > 0).sum(),
            ]
    if not examples:
        raise ValueError("`batches` must hold examples. Received: none. Pass a data set.")
    sums += np.triu(sums, 1).transpose(0, 2, 1)  # both halves
    return PairAverages(
        fields=fields,
        examples=examples,
        contribution=sums[0] / examples,
        magnitude=sums[1] / examples,
        attention=sums[2] / np.maximum(sums[3], 1),
        linear=linear / examples,
    )
