"""The machine-readable description of trained models."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from pipelines.files.write_text import write_text
from pipelines.recipes.movielens_100k.settings import Settings

_FORMAT = 1


@dataclasses.dataclass(frozen=True)
class Run:
    """What is in a folder of trained models, how it was made and how good it is.

    Attributes:
        key: Hash of the examples and the settings; equal keys mean equal models.
        examples: The key of the examples.
        settings: Hyper-parameters.
        histories: Model -> metric -> its value after each epoch.
        metrics: Part -> model or baseline -> metric -> number.
    """

    key: str
    examples: str
    settings: Settings
    histories: dict[str, dict[str, list[float]]]
    metrics: dict[str, dict[str, dict[str, float]]]

    FILE = "metrics.json"

    @property
    def best(self) -> str:
        """AFM or DeepFM, whichever has the lower logloss on the validation part."""
        scores = self.metrics["validation"]
        return min(("afm", "deepfm"), key=lambda name: scores[name]["logloss"])

    def write(self, folder: Path) -> None:
        """Writes the description as `metrics.json` into a folder."""
        content = {"format": _FORMAT, **dataclasses.asdict(self)}
        write_text(folder / self.FILE, json.dumps(content, indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> "Run":
        """Reads the description of a folder.

        Raises:
            ValueError: If the folder has none, or one that this version does not know.
        """
        path = folder / cls.FILE
        if not path.is_file():
            raise ValueError(
                f"`{folder}` must be a folder of trained models. Received: a folder without "
                f"{cls.FILE}. Make one with: python -m pipelines train"
            )
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format", None) != _FORMAT:
            raise ValueError(
                f"`{path}` must have the format {_FORMAT}. Received: another. "
                "Make it again with: python -m pipelines train"
            )
        settings: dict[str, Any] = content.pop("settings")
        for name, value in settings.items():
            if isinstance(value, dict):
                settings[name] = Settings.Model(**{**value, "units": tuple(value["units"])})
        return cls(settings=Settings(**settings), **content)
