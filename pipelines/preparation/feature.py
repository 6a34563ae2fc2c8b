"""One feature of prepared examples."""

import dataclasses
from typing import Any

_DTYPES = ("int64", "float32", "string")


@dataclasses.dataclass(frozen=True)
class Feature:
    """What a reader must know of a feature to parse it and to build a column on it.

    Attributes:
        name: Its key in a `tf.Example`.
        dtype: `"int64"`, `"float32"` or `"string"`.
        kind: `"fixed"`: one value an example, `"variable"`: a list of any length.
        description: What it means, with its unit.
        default: The value of a fixed feature that an example lacks; None makes it required.
        num_ids: For an identity column: training ids are in `[0, num_ids)`.
        vocabulary: For a vocabulary column: the values of the training part, most frequent first.
        bounds: For a bucketized column: bounds fitted on the training part.
    """

    name: str
    dtype: str
    kind: str
    description: str
    default: int | float | str | None = None
    num_ids: int | None = None
    vocabulary: tuple[str, ...] | None = None
    bounds: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Checks the words.

        Raises:
            ValueError: If `dtype` or `kind` is unknown, or a list has a default.
        """
        if self.dtype not in _DTYPES:
            raise ValueError(
                f"`dtype` must be one of {', '.join(_DTYPES)}. "
                f"Received: dtype={self.dtype} for field '{self.name}'."
            )
        if self.kind not in ("fixed", "variable"):
            raise ValueError(
                "`kind` must be fixed or variable. "
                f"Received: kind={self.kind} for field '{self.name}'."
            )
        if self.kind == "variable" and self.default is not None:
            raise ValueError(
                "`default` must be left out of a variable feature, which defaults to an empty "
                f"list. Received: default={self.default} for field '{self.name}'."
            )

    def to_dict(self) -> dict[str, Any]:
        """Returns the attributes that are set, ready for JSON."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
            if value is not None
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> "Feature":
        """Makes a feature from what `to_dict` gave."""
        tuples: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        return cls(**tuples)
