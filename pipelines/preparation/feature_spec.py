"""The description beside prepared examples: features, what was fitted, splits."""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pydantic

from pipelines.files.atomic import damaged, read_json, write_text
from pipelines.fitting.fit import Fit

_DTYPES = ("int64", "float32", "string")
_STRICT = pydantic.ConfigDict(strict=True, revalidate_instances="always")
_Count = Annotated[int, pydantic.Field(ge=0, lt=1 << 63)]
_Fitted = float | int | list[float | int | str]
_FileName = Annotated[str, pydantic.Field(pattern=r"^[^/\\\x00]*[^/\\\x00.][^/\\\x00]*$")]
"""A file of the folder itself; a description from elsewhere must not lead out of it."""


@dataclasses.dataclass(frozen=True)
class Feature:
    """What a reader must know of a feature to parse it and to build a column on it.

    Attributes:
        name: Its key in a `tf.Example`.
        dtype: `"int64"`, `"float32"` or `"string"`.
        kind: `"fixed"`: one value an example, `"variable"`: a list of any length.
        description: What it means, with its unit.
        default: The value of a fixed feature that an example lacks, NaN where the model masks it;
            None makes it required.
        values_of: The feature whose values it lists, as a history lists items: what is fitted on
            that one holds for it too.
    """

    name: str
    dtype: str
    kind: str
    description: str
    default: int | float | str | None = None
    values_of: str | None = None

    __pydantic_config__: ClassVar[Any] = _STRICT

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
        found = {key: value for key, value in dataclasses.asdict(self).items() if value is not None}
        if isinstance(self.default, float) and math.isnan(self.default):
            found["default"] = _NAN
        return found

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Feature":
        """Makes a feature of what `to_dict` returns."""
        nan = fields["dtype"] == "float32" and fields.get("default") == _NAN
        return cls(**{**fields, "default": math.nan} if nan else fields)


_NAN = "NaN"  # JSON has no word for it


_FORMAT = 2
# Of the first format, where what was fitted on events stood with their features.
_FORMER_FITS: dict[str, Any] = {
    "num_ids": "num_ids",
    "vocabulary": "vocabulary",
    "bounds": "quantile",
}


def _of_list(value: Any) -> Any:
    """JSON has lists only."""
    return tuple(value) if isinstance(value, list) else value


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
        parts: Split -> `Part`.
        fitted: What was found on the training split, see `pipelines.fitting.fit.Fitted`: of the
            columns of a configuration, or of the features of events.
        weight: Name of the weight of an example; None for none.
    """

    @dataclasses.dataclass(frozen=True)
    class Part:
        """One split of the examples: files (names), counts, first and last time in seconds.

        `positives` is None where labels are not 0 and 1, times where there are none.
        """

        files: Annotated[tuple[_FileName, ...], pydantic.BeforeValidator(_of_list)]
        examples: _Count
        positives: _Count | None
        first_time: int | None = None
        last_time: int | None = None

        __pydantic_config__: ClassVar[Any] = _STRICT

    recipe: str
    key: str
    settings: dict[str, Any]
    label: str
    group: str | None
    features: dict[str, Feature]
    parts: dict[str, Part]
    fitted: dict[str, _Fitted] = dataclasses.field(default_factory=dict)
    weight: str | None = None

    FILE: ClassVar[str] = "feature_spec.json"
    __pydantic_config__: ClassVar[Any] = _STRICT

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
            ValueError: If the folder has none, or one that this version does not know, or that is
                not as it was written.
        """
        path = folder / cls.FILE
        if not path.is_file():
            raise ValueError(
                f"`{folder}` must be a folder of prepared examples. Received: a folder without "
                f"{cls.FILE}. Make one with: python -m pipelines prepare"
            )
        content = read_json(path)
        form = content.pop("format", None)
        if isinstance(form, bool) or form not in (1, _FORMAT):
            raise ValueError(
                f"`{path}` must have the format {_FORMAT}. Received: another. "
                "Make it again with: python -m pipelines prepare"
            )
        try:
            if form == 1:
                _lift_fits(content)
            return pydantic.TypeAdapter(cls).validate_python(cls._made(**content))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise damaged(path, error) from error

    @classmethod
    def _made(
        cls, *, features: list[dict[str, Any]], parts: dict[str, Any], **content: Any
    ) -> "FeatureSpec":
        described = [Feature.from_dict(fields) for fields in features]
        split = {name: cls.Part(**fields) for name, fields in parts.items()}
        found = cls(**content, features={one.name: one for one in described}, parts=split)
        if found.label not in found.features:
            raise ValueError(f"no feature for the label {found.label!r}")
        return found

    @property
    def values_of(self) -> dict[str, str]:
        """Feature -> the feature whose values it lists, of those that list another's."""
        return {one.name: one.values_of for one in self.features.values() if one.values_of}

    def files(self, folder: Path, part: str) -> list[Path]:
        """Returns the paths of a split's files that hold examples.

        Raises:
            ValueError: If there is no such split, or one of its files is gone or was emptied.
        """
        if part not in self.parts:
            raise ValueError(
                f"`part` must be one of {', '.join(self.parts)}. Received: part={part}."
            )
        paths = [folder / name for name in self.parts[part].files]
        for path in paths:
            if not path.is_file():
                raise ValueError(
                    f"`{folder}` must hold the files that its {self.FILE} names. Received: a "
                    f"folder without {path.name}. Prepare the examples again."
                )
        empty = [path for path in paths if not path.stat().st_size]
        held = [path for path in paths if path not in empty]
        if empty:
            from pipelines.readers.examples import check_records  # loads TensorFlow
        # Few users leave files without an example, which only the counts tell from emptied ones.
        found = sum(map(check_records, held)) if empty else 0
        if empty and found != self.parts[part].examples:
            raise ValueError(
                f"`{empty[0]}` must hold its records. Received: an empty file, and {found} of "
                f"{self.parts[part].examples} examples in the others. Prepare the examples again."
            )
        return held


def _lift_fits(content: dict[str, Any]) -> None:
    """Moves what the first format of events kept with the features to where it is kept now."""
    settings = content["settings"].get("features", {})
    for fields in content["features"]:
        name = fields["name"]
        for key, what in _FORMER_FITS.items():
            if key not in fields:
                continue
            value = fields.pop(key)
            if name == "history" and content["recipe"] == "events":
                fields["values_of"] = content["settings"]["item"]
                continue
            options = settings.get(name, {}) if isinstance(settings, dict) else {}
            fit = Fit(
                what,
                (name,),
                size=options.get("num_buckets") if what == "quantile" else None,
                min_count=options.get("min_count", 1) if what == "vocabulary" else 1,
            )
            content["fitted"][fit.name] = value


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
    import tensorflow as tf  # here: workers of Beam that read a description do not need it

    return {
        feature.name: tf.io.VarLenFeature(tf.as_dtype(feature.dtype))
        if feature.kind == "variable"
        else tf.io.FixedLenFeature([], tf.as_dtype(feature.dtype), feature.default)
        for feature in features
    }
