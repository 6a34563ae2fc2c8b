"""Which field pairs matter."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfrs_afm.explanation import Explanation
from tfrs_afm.models.field_ranking import FieldRanking


def explain(model: FieldRanking, features: Mapping[str, Any]) -> Explanation:
    """Splits the logits of a batch into named parts that add up to them.

    A pair's share is `a_ij p . (v_i * v_j) x_i x_j` in AFM and `<v_i, v_j> x_i x_j` in DeepFM.

    Args:
        model: `tfrs_afm.models.AFM` or `DeepFM`.
        features: Raw features of a batch, by name.

    Returns:
        The parts, as NumPy arrays with names.

    Raises:
        TypeError: If the model is of another kind.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> columns = [
        ...     fc.embedding_column(fc.categorical_column_with_identity(name, 10), 4)
        ...     for name in ("user", "film")
        ... ]
        >>> model = tfrs_afm.models.AFM(columns, attention_units=4)
        >>> features = {"user": tf.constant([[1]]), "film": tf.constant([[3]])}
        >>> tfrs_afm.explain(model, features).pair_names
        [('user_embedding', 'film_embedding')]
    """
    if not isinstance(model, FieldRanking):
        raise TypeError(
            "`model` must be a tfrs_afm model. Received: "
            f"model={type(model).__name__}. For a task in your own model use "
            "`task.interaction.contributions(*embedding(features))`."
        )
    logits = model.logits(features)
    parts = model.task.interaction.contributions(*model.embedding(features))
    names = [field.name for field in model.embedding.fields]
    return Explanation(
        fields=names,
        pair_names=list(itertools.combinations(names, 2)),
        logits=logits.numpy()[:, 0],
        bias=float(parts.bias),
        linear=np.asarray(parts.linear, np.float32),
        pairs=np.asarray(parts.pairs, np.float32),
        attention=np.asarray(parts.attention, np.float32),
        deep=np.asarray(parts.deep, np.float32),
    )
