"""The tables that a list of fields looks up."""

import dataclasses
from collections.abc import Sequence

from tfrs_afm.columns.field import Field
from tfrs_afm.columns.table import Table


def tables_of(fields: Sequence[Field], dim: int | None = None) -> dict[str, Table]:
    """Collects the tables of fields and gives all of them one dimension.

    Args:
        fields: The fields of one interaction.
        dim: Length of the vectors where the columns leave it open.

    Returns:
        Tables by name, each with its dimension.

    Raises:
        ValueError: If dimensions differ, none is given, or two tables of one name differ.
    """
    tables: dict[str, Table] = {}
    for field in fields:
        known = tables.setdefault(field.table.name, field.table)
        # Initializers are objects: a deserialized copy is equal in all but identity.
        if dataclasses.replace(known, initializer=field.table.initializer) != field.table:
            raise ValueError(
                "`columns` must describe a shared table in one way. Received: table "
                f"'{known.name}' as {known} and as {field.table} for field '{field.name}'. "
                "Make all columns of the table in one call of `tfrs_afm.shared_embeddings`."
            )
    dims = {name: table.dimension for name, table in tables.items() if table.dimension}
    if dim is not None:
        dims["dim="] = dim
    if len(set(dims.values())) > 1:
        raise ValueError(
            "`columns` must have one dimension to interact. Received: "
            f"{', '.join(f'{name} {size}' for name, size in dims.items())}. "
            "Give all embedding columns the same dimension."
        )
    if not dims:
        raise ValueError(
            "`dim` must be given where no column has a dimension. Received: dim=None. "
            "Pass dim=16, say."
        )
    size = next(iter(dims.values()))
    if size < 1:
        raise ValueError(f"`dim` must be positive. Received: dim={size}. Use 4 or more.")
    return {name: dataclasses.replace(table, dimension=size) for name, table in tables.items()}
