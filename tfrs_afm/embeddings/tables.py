"""Tables of vectors: one row per id, or composed of two small tables."""

import math
from typing import Any

import tensorflow as tf

from tfrs_afm.columns.field import keras_initializer
from tfrs_afm.types import DType, Initializer, KerasLayer, Shape, Tensor


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class DenseTable(KerasLayer):
    """An embedding table: one trained row per id.

    Args:
        rows: Number of ids. Positive.
        dim: Length of a row. Positive.
        initializer: Initializer of the rows. Default: truncated normal with standard deviation
            `1 / sqrt(dim)`, as TensorFlow's embedding columns have it.
        max_norm: If set, looked-up rows are clipped to this L2 norm.
        ckpt_to_load_from: Checkpoint from which the rows are initialised.
        tensor_name_in_ckpt: Name of the rows in that checkpoint.

    Call arguments:
        ids: `(count,)` int64 in `[0, rows)`.

    Output shape: `(count, dim)`.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> tfrs_afm.embeddings.DenseTable(10, 4)(tf.constant([1, 2, 2])).shape
        TensorShape([3, 4])
    """

    def __init__(
        self,
        rows: int,
        dim: int,
        initializer: Initializer | None = None,
        max_norm: float | None = None,
        ckpt_to_load_from: str | None = None,
        tensor_name_in_ckpt: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rows = rows
        self.dim = dim
        self.initializer = tf.keras.initializers.get(initializer)
        self.max_norm = max_norm
        self.ckpt_to_load_from = ckpt_to_load_from
        self.tensor_name_in_ckpt = tensor_name_in_ckpt

    def build(self, input_shape: Shape) -> None:
        """Makes the rows."""
        initializer = self.initializer
        if self.ckpt_to_load_from is not None:
            initializer = self._from_checkpoint
        elif initializer is None:
            initializer = tf.keras.initializers.TruncatedNormal(stddev=self.dim**-0.5)
        self.embedding_weights = self.add_weight(
            name="embedding_weights",
            shape=(self.rows, self.dim),
            initializer=initializer,
            experimental_autocast=False,
        )
        super().build(input_shape)

    def call(self, ids: Tensor) -> Tensor:
        """Looks rows up; see the class."""
        return tf.cast(self.look_up(ids), self.compute_dtype)

    def look_up(self, ids: Tensor) -> Tensor:
        """Looks rows up in the dtype of the table; otherwise as the call."""
        rows = tf.nn.embedding_lookup(self.embedding_weights, ids)
        if self.max_norm is not None:
            rows = tf.clip_by_norm(rows, self.max_norm, axes=[1])
        return rows

    @property
    def num_parameters(self) -> int:
        """Number of trained numbers, known before the table is built."""
        return self.rows * self.dim

    def _from_checkpoint(self, shape: Shape, dtype: DType | None = None, **_: Any) -> Any:
        loaded = tf.train.load_variable(self.ckpt_to_load_from, self.tensor_name_in_ckpt)
        if loaded.shape != tuple(shape):
            raise ValueError(
                "`ckpt_to_load_from` must hold rows of the table's shape. Received: "
                f"ckpt_to_load_from='{self.ckpt_to_load_from}' with {loaded.shape} as "
                f"'{self.tensor_name_in_ckpt}' for a table of {tuple(shape)}. "
                "Give the column the checkpoint's number of buckets and dimension."
            )
        return tf.cast(loaded, dtype or tf.float32)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "rows": self.rows,
            "dim": self.dim,
            "initializer": tf.keras.initializers.serialize(keras_initializer(self.initializer)),
            "max_norm": self.max_norm,
            "ckpt_to_load_from": self.ckpt_to_load_from,
            "tensor_name_in_ckpt": self.tensor_name_in_ckpt,
        }


@tf.keras.utils.register_keras_serializable(package="tfrs_afm")
class QuotientRemainderTable(KerasLayer):
    """Composes the row of an id from two small tables, so that memory grows with sqrt(ids).

    With R remainders, id i and tables Q and S of `ceil(rows / R)` and R rows:
        row_i = Q[i // R] * S[i % R]      ("multiply"), or their sum ("add")
    Different ids have different rows, unlike plain hashing into fewer buckets.
    Reference: Shi et al. 2020, https://arxiv.org/abs/1909.02107, "Quotient-remainder trick".

    Args:
        rows: Number of ids. Positive.
        dim: Length of a row. Positive.
        num_remainders: R. Default: `ceil(sqrt(rows))`, which makes both tables equally small.
        operation: "multiply" or "add".
        initializer: Initializer of the table of quotients. Default: truncated normal with standard
            deviation `1 / sqrt(dim)`. The remainders start as ones ("multiply") with a small
            uniform noise, or zeros with it ("add"), so that rows start as in a dense table.

    Call arguments:
        ids: `(count,)` int64 in `[0, rows)`.

    Output shape: `(count, dim)`.

    Example:
        >>> import tensorflow as tf, tfrs_afm
        >>> table = tfrs_afm.embeddings.QuotientRemainderTable(10_000_000, 16)
        >>> table(tf.constant([1, 9_999_999])).shape, table.num_parameters
        (TensorShape([2, 16]), 101200)
    """

    def __init__(
        self,
        rows: int,
        dim: int,
        num_remainders: int | None = None,
        operation: str = "multiply",
        initializer: Initializer | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if operation not in ("multiply", "add"):
            raise ValueError(
                "`operation` must be 'multiply' or 'add'. Received: "
                f"operation={operation!r}. Choose one of them."
            )
        if num_remainders is not None and num_remainders < 1:
            raise ValueError(
                "`num_remainders` must be positive. Received: "
                f"num_remainders={num_remainders}. Leave it out for the square root of rows."
            )
        self.rows = rows
        self.dim = dim
        self.num_remainders = num_remainders or math.isqrt(rows - 1) + 1
        self.operation = operation
        self.initializer = tf.keras.initializers.get(initializer)

    def build(self, input_shape: Shape) -> None:
        """Makes the two tables."""
        noise = 0.05
        middle = 1.0 if self.operation == "multiply" else 0.0
        self.quotients = self.add_weight(
            name="quotients",
            shape=(-(-self.rows // self.num_remainders), self.dim),
            initializer=self.initializer
            or tf.keras.initializers.TruncatedNormal(stddev=self.dim**-0.5),
            experimental_autocast=False,
        )
        self.remainders = self.add_weight(
            name="remainders",
            shape=(self.num_remainders, self.dim),
            initializer=tf.keras.initializers.RandomUniform(middle - noise, middle + noise),
            experimental_autocast=False,
        )
        super().build(input_shape)

    def call(self, ids: Tensor) -> Tensor:
        """Composes rows; see the class."""
        return tf.cast(self.look_up(ids), self.compute_dtype)

    def look_up(self, ids: Tensor) -> Tensor:
        """Composes rows in the dtype of the tables; otherwise as the call."""
        first = tf.nn.embedding_lookup(self.quotients, ids // self.num_remainders)
        second = tf.nn.embedding_lookup(self.remainders, ids % self.num_remainders)
        return first * second if self.operation == "multiply" else first + second

    @property
    def num_parameters(self) -> int:
        """Number of trained numbers, known before the table is built."""
        return (-(-self.rows // self.num_remainders) + self.num_remainders) * self.dim

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "rows": self.rows,
            "dim": self.dim,
            "num_remainders": self.num_remainders,
            "operation": self.operation,
            "initializer": tf.keras.initializers.serialize(self.initializer),
        }
