"""The embedding layer that a configuration asks for."""

from typing import Any

import tfrs_afm
from pipelines.configuration.configuration import Configuration
from pipelines.configuration.pooling import Pooling
from tfrs_afm.columns.field import fields_of


def make_embedding(configuration: Configuration, columns: list[Any]) -> Any:
    """Makes the layer from features to vectors.

    Args:
        configuration: Its `model` and the `pooling` of its columns.
        columns: What `columns_of` gave for it.

    Returns:
        A `tfrs_afm.FieldEmbedding`, or an `IdEmbedding` where ids are crossed.

    Raises:
        ValueError: If a rule attends from a feature that no column reads alone, or columns of one
            table disagree on how it is composed.
    """
    model = configuration.model
    tables = _composed(configuration, columns)
    if model.crossing == "ids":
        return tfrs_afm.IdEmbedding(columns, model.dim, l2=model.l2, tables=tables)
    names = {
        section.features[0]: column.name
        for section, column in zip(configuration.columns, columns, strict=True)
        if len(section.features) == 1
    }
    pooling = {
        column.name: _rule(section.pooling, names)
        for section, column in zip(configuration.columns, columns, strict=True)
        if section.pooling is not None
    }
    return tfrs_afm.FieldEmbedding(columns, model.dim, l2=model.l2, tables=tables, pooling=pooling)


def _composed(configuration: Configuration, columns: list[Any]) -> dict[str, Any]:
    """The compositional tables, by name."""
    tables: dict[str, Any] = {}
    wanted: dict[str, int | None] = {}
    for section, field in zip(configuration.columns, fields_of(columns), strict=True):
        name = field.table.name
        if wanted.setdefault(name, section.num_remainders) != section.num_remainders:
            raise ValueError(
                "`num_remainders` must be the same for columns that share a table. Received: "
                f"{wanted[name]} and {section.num_remainders} for table '{name}'."
            )
        if section.num_remainders is not None and name not in tables:
            tables[name] = tfrs_afm.embeddings.QuotientRemainderTable(
                field.table.rows,
                field.table.dimension or configuration.model.dim,
                section.num_remainders,
                initializer=field.table.initializer,
                name=name,
            )
    return tables


def _rule(pooling: Pooling, names: dict[str, str]) -> Any:
    rules = tfrs_afm.embeddings
    if pooling.kind == "LastK":
        return rules.LastK(pooling.k, pooling.newest)
    if pooling.kind == "RecencyDecay":
        return rules.RecencyDecay(pooling.half_life, pooling.newest)
    if pooling.kind == "TargetAttention":
        if pooling.query not in names:
            raise ValueError(
                "`pooling.query` must be the feature of a column. Received: "
                f"query={pooling.query!r}. The features are {', '.join(names)}."
            )
        return rules.TargetAttention(names[pooling.query], pooling.units, softmax=pooling.softmax)
    return getattr(rules, pooling.kind)()
