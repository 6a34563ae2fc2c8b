"""Which field pairs matter."""

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfrs_afm.explanation import Explanation
from tfrs_afm.models.field_ranking import FieldRanking


def explain(
    model: FieldRanking, features: Mapping[str, Any], task: str | None = None
) -> Explanation:
    """Splits the logits of a batch into named parts that add up to them.

    A pair's share is `a_ij p . (v_i * v_j) x_i x_j` in AFM and `<v_i, v_j> x_i x_j` in DeepFM.

    Args:
        model: `tfrs_afm.models.AFM`, `DeepFM` or `MultiTask`.
        features: Raw features of a batch, by name.
        task: Which task of a `MultiTask` to explain.

    Returns:
        The parts, as NumPy arrays with names.

    Raises:
        TypeError: If the model is of another kind.
        ValueError: If the model has no such task.

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
    fields = model.embedding(features)
    chosen = _task_of(model, task)
    logits = chosen.logits(*fields[:3])
    parts = chosen.interaction.contributions(*fields[:3])
    owners = [field.name for field in model.embedding.fields]
    names = owners
    if hasattr(fields, "fields"):  # one member an id
        owners = [owners[index] for index in fields.fields.numpy()]
        names = [f"{owner}[{owners[:i].count(owner)}]" for i, owner in enumerate(owners)]
    return Explanation(
        fields=names,
        fields_of=owners,
        pair_names=list(itertools.combinations(names, 2)),
        logits=logits.numpy()[:, 0],
        bias=float(parts.bias),
        linear=np.asarray(parts.linear, np.float32),
        pairs=np.asarray(parts.pairs, np.float32),
        attention=np.asarray(parts.attention, np.float32),
        deep=np.asarray(parts.deep, np.float32),
    )


def _task_of(model: FieldRanking, name: str | None) -> Any:
    tasks = getattr(model.task, "tasks", None)
    if tasks is None and name is None:
        return model.task
    if not tasks or name not in tasks:
        raise ValueError(
            f"`task` must name a task of the model. Received: task={name!r}. "
            + (f"Choose one of {sorted(tasks)}." if tasks else "Leave it out: there is only one.")
        )
    return tasks[name]
