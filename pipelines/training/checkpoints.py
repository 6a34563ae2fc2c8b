"""Checkpoints that are whole or not there, the best weights, and the learning curve."""

import dataclasses
import errno
import hashlib
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any, Literal, Self

import tensorflow as tf

from pipelines.files.atomic import atomic_folder, read_json, remove_folder
from tfrs_afm.types import Model


@dataclasses.dataclass
class RunState:
    """Position, records and counters of a run; what a checkpoint holds as JSON.

    Attributes:
        epoch: Number of the epoch that comes next or is under way, from 0.
        batch: Batches of it that are done.
        step: Steps done in all.
        rows: Examples of this epoch that are done.
        seconds: Time that this epoch has taken.
        waited: Part of `seconds` in which the model waited for its input.
        trained: The metrics of this epoch's training once it is over and validation is not.
        batches_per_epoch: Length of the first epoch, once known; all are as long.
        best: The best value of the monitored metric so far.
        best_epoch: Its epoch.
        best_step: The steps done then.
        epochs_without_better: Epochs since the best one.
        epochs_on_plateau: Epochs since the best one, or since the learning rate fell.
        learning_rate_scale: What plateaus left of the learning rate.
        kernels: The forms of `tfrs_afm.kernels` that this epoch is trained by, the last one now.
        history: One record for each epoch that is done.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    rows: int = 0
    seconds: float = 0.0
    waited: float = 0.0
    trained: dict[str, Any] | None = None
    batches_per_epoch: int | None = None
    best: float | None = None
    best_epoch: int | None = None
    best_step: int | None = None
    epochs_without_better: int = 0
    epochs_on_plateau: int = 0
    learning_rate_scale: float = 1.0
    kernels: list[str] = dataclasses.field(default_factory=list)
    history: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def to_json(self) -> str:
        """Returns the state as JSON text; floats keep every bit."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote."""
        return cls(**json.loads(text))


_STATE, _SUMS = "state.json", "checksums.json"


class Checkpoints:
    """The last checkpoints of a run and its best weights, as folders that appear whole.

    `step-<steps done>` holds everything a run needs to go on, `best-<steps done>` the weights of
    the best epoch so far. The checksum of each file is kept beside it and compared before a file
    is read.

    Args:
        folder: The folder of these folders. Only one process may write to it.
        tensors: Everything that goes on: model, optimizer, metrics, averages.
        weights: The model alone.
        keep: How many of the last checkpoints stay.
        writes: Whether this process keeps what it writes. Metrics of several processes are added
            up while they are written, so each must write; all but one then throw it away.
    """

    def __init__(
        self, folder: Path, tensors: Any, weights: Any, keep: int, *, writes: bool = True
    ) -> None:
        self._folder, self._tensors, self._weights = folder, tensors, weights
        self._keep, self._writes = keep, writes
        if not writes:
            return
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("step", "best"):
            for partial in folder.glob(f".{name}-*"):  # a kill in the middle of writing left it
                remove_folder(partial)

    def last(self) -> Path | None:
        """The folder of the newest checkpoint."""
        return max(self._steps(), default=None)

    def save(self, state: RunState) -> None:
        """Writes a checkpoint, and then removes those that are not needed any more.

        Raises:
            OSError: If it cannot be written; those before it are untouched.
        """
        self._write(self._tensors, f"step-{state.step:012d}", state.to_json())
        if not self._writes:
            return
        kept = self._steps()[-self._keep :]
        for path in self._steps()[: -self._keep]:
            remove_folder(path)
        needed = {self._best_of(path) for path in kept}
        for path in self._folder.glob("best-*"):
            if path.name not in needed:
                remove_folder(path)

    def save_best(self, step: int) -> None:
        """Writes the weights of the best epoch so far.

        Raises:
            OSError: If they cannot be written.
        """
        self._write(self._weights, _best_name(step), "{}")

    def restore(self, *, partial: bool = False) -> RunState:
        """Reads the newest checkpoint that is whole, and says so where a newer one is not.

        Args:
            partial: Whether it may hold more than is asked for here.

        Raises:
            ValueError: If none is whole.
        """
        damages: list[str] = []
        for path in reversed(self._steps()):
            damage = self._damage(path)
            if damage is None:
                for line in damages:
                    warnings.warn(f"{line} Going on from {path.name}.", stacklevel=2)
                # Checked before it is made: what is read is what was written.
                status = self._tensors.read(str(path / "tensors"))
                status.expect_partial() if partial else status.assert_consumed()
                return RunState.from_json((path / _STATE).read_text(encoding="utf-8"))
            damages.append(damage)
        raise ValueError(
            f"`folder` must hold a checkpoint that is whole. Received: folder={self._folder}: "
            f"{' '.join(damages)} Start again in another folder."
        )

    def restore_best(self, step: int) -> None:
        """Reads the weights of the best epoch."""
        path = self._folder / _best_name(step)
        self._weights.read(str(path / "tensors")).expect_partial()

    def _steps(self) -> list[Path]:
        return sorted(self._folder.glob("step-*"))

    def _best_of(self, path: Path) -> str | None:
        """The name of the best weights that a checkpoint refers to."""
        try:
            step = read_json(path / _STATE)["best_step"]
        except (OSError, ValueError, KeyError):
            return None  # damaged: nobody goes on from it
        return None if step is None else _best_name(step)

    def _write(self, tensors: Any, name: str, state: str) -> None:
        if not self._writes:
            with tempfile.TemporaryDirectory() as thrown_away:
                tensors.write(f"{thrown_away}/tensors")
            return
        try:
            with atomic_folder(self._folder / name) as folder:
                tensors.write(str(folder / "tensors"))
                (folder / _STATE).write_text(state, encoding="utf-8")
                sums = {path.name: _checksum(path) for path in sorted(folder.iterdir())}
                (folder / _SUMS).write_text(json.dumps(sums), encoding="utf-8")
        except (OSError, tf.errors.OpError) as error:
            last = self.last()
            whole = f"{last.name} before it is whole" if last else "there is none before it"
            full = isinstance(error, tf.errors.ResourceExhaustedError)
            code = errno.ENOSPC if full else getattr(error, "errno", None) or errno.EIO
            raise OSError(
                code,
                f"`folder` must take checkpoints. Received: folder={self._folder}, which gave "
                f"'{error}' for {name}; {whole}. Make room, then go on with resume=True.",
            ) from error

    def _damage(self, path: Path) -> str | None:
        """Says what is wrong with a checkpoint or the best weights that it refers to."""
        damage = _damage(path)
        best = None if damage else self._best_of(path)
        return damage if best is None else _damage(self._folder / best)


def _damage(folder: Path) -> str | None:
    try:
        sums = read_json(folder / _SUMS)
        for path in sorted(folder.iterdir()):
            if path.name != _SUMS and sums[path.name] != _checksum(path):
                return f"Checkpoint {folder.name} is damaged: {path.name} is not what was written."
        for name in {_STATE, *sums}:
            (folder / name).stat()
    except KeyError as error:
        return f"Checkpoint {folder.name} is damaged: {_SUMS} has no {error}."
    except (OSError, ValueError) as error:
        return f"Checkpoint {folder.name} is damaged: {error}."
    return None


def _best_name(step: int) -> str:
    return f"best-{step:012d}"


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclasses.dataclass(frozen=True)
class History:
    """The learning curve of a run and its best epoch.

    Attributes:
        epochs: One record for each epoch, as in `history.jsonl`: `epoch` (from 0), `step` (done
            in all), the metrics of training, those of validation behind `val_`, `learning_rate`,
            `seconds`, `examples_per_second`, `step_seconds`, `input_wait` (the share of the time
            in which the model waited for its input) and `kernels`, the form of
            `tfrs_afm.kernels` that trained, or "stock" and why.
        best_epoch: The epoch whose weights the model now has.
        best: The monitored metric's value there; None where there is nothing to monitor.
        ended_by: "epochs" or "early_stopping".
    """

    epochs: list[dict[str, Any]]
    best_epoch: int
    best: float | None
    ended_by: Literal["epochs", "early_stopping"]


def restore_best(model: Model, folder: Path) -> None:
    """Gives a compiled model the weights of the best epoch of a run and its optimizer's state.

    The model may be made under another strategy than that of the run, or under none.

    Args:
        model: As that which was trained, with its variables made.
        folder: The folder of the run; nothing is written there.

    Raises:
        ValueError: If the run has no epoch behind it, or no checkpoint of it is whole.
    """
    model.optimizer.build(model.trainable_variables)
    checkpoints = Checkpoints(
        folder / "checkpoints",
        tf.train.Checkpoint(model=model, optimizer=model.optimizer),
        tf.train.Checkpoint(model=model),
        keep=1,
        writes=False,
    )
    state = checkpoints.restore(partial=True)
    if state.best_step is None:
        raise ValueError(
            f"`folder` must hold a run with an epoch behind it. Received: folder={folder}, step "
            f"{state.step}. Go on with it first."
        )
    checkpoints.restore_best(state.best_step)
