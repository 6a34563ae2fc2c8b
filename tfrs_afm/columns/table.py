"""The description of one embedding table."""

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Table:
    """One embedding table, as its feature column describes it; fields with equal tables share it.

    Attributes:
        name: Name of the table, unique within an embedding layer.
        rows: Number of ids.
        dimension: Length of a row; None takes the dimension of the other tables in the list.
        initializer: Initializer of the rows; None is TensorFlow's default for embedding columns,
            a truncated normal with standard deviation `1 / sqrt(dimension)`.
        max_norm: If set, looked-up rows are clipped to this L2 norm.
        trainable: Whether training changes the table.
        ckpt_to_load_from: Checkpoint from which the rows are initialised.
        tensor_name_in_ckpt: Name of the rows in that checkpoint.
    """

    name: str
    rows: int
    dimension: int | None = None
    initializer: Any = None
    max_norm: float | None = None
    trainable: bool = True
    ckpt_to_load_from: str | None = None
    tensor_name_in_ckpt: str | None = None
