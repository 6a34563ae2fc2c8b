"""The machine-readable description beside prepared examples."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from pipelines.files.write_text import write_text
from pipelines.preparation.feature import Feature

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
