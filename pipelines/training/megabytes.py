"""Memory that a model and its training take, whatever the batch."""

import math
from typing import Any

import tfrs_afm


def megabytes(model: Any) -> dict[str, float]:
    """Returns the megabytes (10^6 bytes) of a model's tables and of its optimizer's variables.

    Under parameter servers it is what all of them together hold.

    Args:
        model: A compiled model with its variables and those of its optimizer made.

    Returns:
        `table_megabytes` and `optimizer_megabytes`.
    """
    kinds = (tfrs_afm.embeddings.DenseTable, tfrs_afm.embeddings.QuotientRemainderTable)
    # Layers that share a table show it once each.
    tables = {id(one): one for one in model._flatten_layers() if isinstance(one, kinds)}
    weights = [variable for table in tables.values() for variable in table.weights]
    return {
        "table_megabytes": _sum(weights),
        "optimizer_megabytes": _sum(model.optimizer.variables),
    }


def _sum(variables: Any) -> float:
    return sum(math.prod(one.shape) * one.dtype.size for one in variables) / 1e6
