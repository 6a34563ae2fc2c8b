"""Weights from the last model to the next."""

import os

from tfrs_afm._host import ShardedVariable
from tfrs_afm.growth.growth_report import GrowthReport
from tfrs_afm.growth.source import Parts, build_model, open_source
from tfrs_afm.growth.tables import carry_tables
from tfrs_afm.growth.variables import OptimizerState, carry_variables
from tfrs_afm.types import Model


def carry_over(
    source: str | os.PathLike[str] | Model,
    model: Model,
    *,
    old_model: Model | None = None,
) -> GrowthReport:
    """Carries weights and optimizer state over to a model whose vocabularies or columns changed.

    For training every day from where the last day ended. Rows of tables are matched by the value
    of their id, never by their number: a vocabulary's word, an identity column's id, the interval
    of a bucket; a hash bucket, or a bucket for unknown words, only if there are as many of them.
    Columns are matched by name. Rows of new ids keep their initialisation, rows of ids that are no
    more are dropped, and optimizer slots go with their rows. Attention, towers and biases are
    carried over where they have the same place and shape, the input of a deep tower by field.

    Everything is checked before anything is changed. `model` must not be used in between: carry
    over first, train then.

    Args:
        source: The model to go on from: a model in memory, the path of a `.keras` file, or a
            checkpoint: its folder or prefix. A file with classes that are not of Keras, this
            package or registered is opened by `tfrs_afm.models.load_model`, with `compile=True`.
        model: The model to go on with; built here if it is one of `tfrs_afm.models`. Compile it
            first, so that the optimizer goes on too.
        old_model: For a checkpoint, a model made as that one was, to read it into: compiled in
            the same way, and with the vocabulary files of that day.

    Returns:
        What was carried over and what not, and why; print it for a table.

    Raises:
        ValueError: If the source is no such thing or does not fit `old_model`, a model is not
            built, a table is sharded, or columns that share a table disagree where a row comes
            from.
        TypeError: If a column is of a kind whose ids nothing tells apart.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> def model_of(words):
        ...     user = fc.categorical_column_with_vocabulary_list("user", words)
        ...     return tfrs_afm.models.AFM([fc.embedding_column(user, 4)])
        >>> yesterday = model_of(["ann", "bob"])
        >>> scores = yesterday({"user": tf.constant(["bob"])})
        >>> today = model_of(["bob", "cem", "ann"])
        >>> report = tfrs_afm.growth.carry_over(yesterday, today)
        >>> report.tables[0].carried, report.tables[0].new
        (2, 1)
        >>> bool(tf.reduce_all(today({"user": tf.constant(["bob"])}) == scores))
        True
    """
    old = open_source(source, old_model)
    for one, argument in ((old, "source"), (model, "model")):
        build_model(one, argument)
    if old is model:
        raise ValueError(
            "`model` must be another one than the source. Received: model=source. Make a new model "
            "over the new columns."
        )
    before, after = Parts.of(old), Parts.of(model)
    for parts, argument in ((before, "source"), (after, "model")):
        _refuse_sharded(parts, argument)
    state = OptimizerState(old, model)
    tables, copies = carry_tables(before, after, state)
    variables, more = carry_variables(before, after, state)
    for copy in copies + more:
        copy.make()
    return GrowthReport(tables, variables, state.carry())


def _refuse_sharded(parts: Parts, argument: str) -> None:
    for layer in parts.embeddings.values():
        for name, table in layer.tables.items():
            if any(isinstance(value, ShardedVariable) for value in vars(table).values()):
                raise ValueError(
                    f"`{argument}` must hold whole tables. Received: {argument} with table "
                    f"'{name}' sharded over parameter servers. Carry over in one process, without "
                    "a strategy; a checkpoint of it restores into shards."
                )
