"""The learning curve of a run, for programs and for TensorBoard."""

import importlib.util
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from pipelines.files.write_text import write_text

_ABOUT = ("epoch", "step")


class Records:
    """Keeps `history.jsonl` and the logs of TensorBoard equal to the history of a run.

    Both are made anew where a run goes on, so that no epoch is in them twice. In TensorBoard a
    metric is `epoch_<name>` of the run `train` or, without its `val_`, `validation`.

    Args:
        folder: The folder of the run.
        history: The records so far.

    Raises:
        ImportError: If TensorBoard is not installed.
    """

    def __init__(self, folder: Path, history: Sequence[Mapping[str, Any]]) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise ImportError(
                "tensorboard must be installed to log training. Run: "
                "pip install 'tfrs-afm[pipelines]'."
            )
        self._file = folder / "history.jsonl"
        for part in ("train", "validation"):
            shutil.rmtree(folder / "logs" / part, ignore_errors=True)
        self._writers = {
            part: tf.summary.create_file_writer(str(folder / "logs" / part))
            for part in ("train", "validation")
        }
        for record in history:
            self._log(record)
        self._write(history)

    def add(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Takes in the last record of a history."""
        self._log(history[-1])
        self._write(history)

    def close(self) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()

    def _write(self, history: Sequence[Mapping[str, Any]]) -> None:
        write_text(self._file, "".join(f"{json.dumps(record)}\n" for record in history))

    def _log(self, record: Mapping[str, Any]) -> None:
        for name, value in record.items():
            if name not in _ABOUT:
                part = "validation" if name.startswith("val_") else "train"
                with self._writers[part].as_default():
                    tf.summary.scalar(f"epoch_{name.removeprefix('val_')}", value, record["epoch"])
        for writer in self._writers.values():
            writer.flush()
