"""The machine-readable description beside prepared examples."""

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.files.atomic import write_text

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


_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class FeatureSpec:
    """What is in a folder of prepared examples, and how it was made.

    Attributes:
        recipe: Name of the data set.
        key: Hash of the raw files and the settings; equal keys mean equal examples.
        settings: What decided the examples besides the raw files.
        label: Name of the label.
        group: Name of the feature whose values are ranked apart, as the user's id; None for none.
        features: The features and the label, by name.
        parts: Part -> `Part`.
        fitted: What the columns of a configuration left open, see `pipelines.modelling.Fitted`.
        weight: Name of the weight of an example; None for none.
    """

    @dataclasses.dataclass(frozen=True)
    class Part:
        """One part of the examples: files (names), counts, first and last time in seconds.

        `positives` is None where labels are not 0 and 1, times where there are none.
        """

        files: tuple[str, ...]
        examples: int
        positives: int | None
        first_time: int | None = None
        last_time: int | None = None

    recipe: str
    key: str
    settings: dict[str, Any]
    label: str
    group: str | None
    features: dict[str, Feature]
    parts: dict[str, Part]
    fitted: dict[str, Any] = dataclasses.field(default_factory=dict)
    weight: str | None = None

    FILE = "feature_spec.json"

    def write(self, folder: Path) -> None:
        """Writes the description as `feature_spec.json` into a folder."""
        content = {
            "format": _FORMAT,
            **dataclasses.asdict(self),
            "features": [feature.to_dict() for feature in self.features.values()],
        }
        write_text(folder / self.FILE, json.dumps(content, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "FeatureSpec":
        """Reads the description of a folder.

        Raises:
            ValueError: If the folder has none, or one that this version does not know.
        """
        path = folder / cls.FILE
        if not path.is_file():
            raise ValueError(
                f"`{folder}` must be a folder of prepared examples. Received: a folder without "
                f"{cls.FILE}. Make one with: python -m pipelines prepare"
            )
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format", None) != _FORMAT:
            raise ValueError(
                f"`{path}` must have the format {_FORMAT}. Received: another. "
                "Make it again with: python -m pipelines prepare"
            )
        features = [Feature.from_dict(fields) for fields in content.pop("features")]
        parts = {
            name: cls.Part(**{**fields, "files": tuple(fields["files"])})
            for name, fields in content.pop("parts").items()
        }
        return cls(**content, features={feature.name: feature for feature in features}, parts=parts)

    def files(self, folder: Path, part: str) -> list[Path]:
        """Returns the paths of a part's files.

        Raises:
            ValueError: If there is no such part.
        """
        if part not in self.parts:
            raise ValueError(
                f"`part` must be one of {', '.join(self.parts)}. Received: part={part}."
            )
        return [folder / name for name in self.parts[part].files]


def parse_spec(features: Iterable[Feature]) -> dict[str, Any]:
    """Returns the `features` argument of `tf.io.parse_example` for these features.

    Args:
        features: The features to parse.

    Returns:
        Name -> `tf.io.FixedLenFeature([], dtype, default)` or `tf.io.VarLenFeature(dtype)`.

    Example:
        >>> parse_spec([Feature("history", "int64", "variable", "films seen before")])
        {'history': VarLenFeature(dtype=tf.int64)}
    """
    return {
        feature.name: tf.io.VarLenFeature(tf.as_dtype(feature.dtype))
        if feature.kind == "variable"
        else tf.io.FixedLenFeature([], tf.as_dtype(feature.dtype), feature.default)
        for feature in features
    }
