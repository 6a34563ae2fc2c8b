"""What is where in the folder of a run."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NotRequired

import pydantic
from typing_extensions import TypedDict  # pydantic takes Python's own from 3.12 on

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.load_configuration import dump, load_configuration
from pipelines.files.atomic import damaged, file_sha256, read_json, write_text
from pipelines.preparation.feature_spec import FeatureSpec


class _Run(TypedDict):
    """What is read of `run.json`; there is more in it."""

    prepared: NotRequired[str]
    data: NotRequired[str]
    model: NotRequired[str]
    best_epoch: NotRequired[int]
    model_sha256: NotRequired[str | None]
    versions: NotRequired[dict[str, str]]


class _Interval(TypedDict):
    value: float | None
    low: NotRequired[float | None]
    high: NotRequired[float | None]


_CONTENTS: dict[str, pydantic.TypeAdapter[Any]] = {
    "run.json": pydantic.TypeAdapter(_Run),
    "metrics.json": pydantic.TypeAdapter(dict[str, dict[str, dict[str, _Interval]]]),
}


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The folder of a run: `--out` of every command.

    Attributes:
        path: The folder. It need not be there yet.
    """

    path: Path

    @property
    def data(self) -> Path:
        """The prepared examples, with `feature_spec.json`: `data`, or what runs share."""
        return self.path / self.run.get("prepared", "data")

    @property
    def has_begun(self) -> bool:
        """Whether a model is, or was, trained here."""
        return (self.path / "checkpoints").is_dir()

    @property
    def model(self) -> Path:
        """The trained model with its best weights."""
        return self.path / "model.keras"

    @property
    def metrics(self) -> dict[str, Any]:
        """Split -> model or baseline -> metric -> `{value, low, high}`; empty before training.

        Raises:
            ValueError: If the file is not as it was written; so does `run`.
        """
        return self._json("metrics.json")

    @property
    def run(self) -> dict[str, Any]:
        """How training ended, and on what; empty where it has not ended."""
        return self._json("run.json")

    def configuration(self, overrides: Sequence[str] = ()) -> Configuration:
        """Returns the configuration that the model was trained with.

        Args:
            overrides: Values to set, see `load_configuration`.

        Raises:
            ValueError: If there is no such file, or a value in it breaks a rule.
        """
        path = self.path / "configuration.json"
        if not path.is_file():
            fix = "Make it with: python -m pipelines train"
            if self.has_begun:  # train itself would advise that, too
                fix = "It holds checkpoints without: copy the run again, or take another folder."
            raise ValueError(
                f"`--out` must be the folder of a run. Received: --out {self.path}, which has no "
                f"configuration.json. {fix}"
            )
        return load_configuration(path, overrides)

    def checked_model(self) -> Path:
        """Returns the trained model, once it is known to be the one that training ended with.

        Raises:
            ValueError: If it was changed or damaged since. A run of a release that kept no
                checksum passes, as does a file that is not there.
        """
        expected = self.run.get("model_sha256")
        if expected is not None and self.model.is_file():
            found = file_sha256(self.model)
            if found != expected:
                raise ValueError(
                    f"`{self.model}` must be the model that training ended with. Received: sha256 "
                    f"{found}, and {expected} in run.json. It was changed or damaged since: copy "
                    "it again, or train again in another folder."
                )
        return self.model

    def spec(self) -> FeatureSpec:
        """Returns the description of the prepared examples."""
        return FeatureSpec.read(self.data)

    def write_configuration(self, configuration: Configuration) -> None:
        """Writes `configuration.json`, defaults included."""
        write_text(self.path / "configuration.json", dump(configuration))

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Writes `metrics.json`."""
        write_text(self.path / "metrics.json", json.dumps(metrics, indent=1) + "\n")

    def write_run(self, run: dict[str, Any]) -> None:
        """Writes `run.json`, the last file of a run."""
        write_text(self.path / "run.json", json.dumps(run, indent=1) + "\n")

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        if not path.exists():
            return {}
        content = read_json(path)
        try:
            _CONTENTS[name].validate_python(content, strict=True)
        except pydantic.ValidationError as error:
            raise damaged(path, error) from error
        return content
