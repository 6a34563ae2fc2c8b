"""A trained model to a folder that TensorFlow Serving serves."""

import subprocess
import sys
from pathlib import Path
from typing import Protocol

from pipelines.configuration.configuration import Configuration, Export
from pipelines.runs.run_folder import RunFolder


class Exporter(Protocol):
    """What `pipelines.export` asks of an exporter; `serving_command` is the one that is there."""

    def __call__(self, model: Path, target: str, examples: Path, export: Export) -> None:
        """Publishes a saved model.

        Args:
            model: A `.keras` file.
            target: The model's folder of versions, or an address with `://`.
            examples: A TFRecord file of `tf.Example`s that the model reads.
            export: The section of the configuration.

        Raises:
            RuntimeError: If it fails; the message says why.
        """
        ...


def serving_command(model: Path, target: str, examples: Path, export: Export) -> None:
    """Runs `python -m serving export`; see `Exporter`."""
    command = [sys.executable, "-m", "serving", "export", str(model), target]
    command += ["--examples", str(examples)]
    command += ["--tolerance", str(export.tolerance)]
    command += ["--tables", export.tables, "--table_tolerance", str(export.table_tolerance)]
    if export.candidate_features:
        command += ["--candidate_features", *export.candidate_features]
    if export.keep_last is not None:
        command += ["--keep_last", str(export.keep_last)]
    if export.server_files:
        command.append("--server_files")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise RuntimeError(
            f"`python -m serving export` must succeed. Received: {last.removeprefix('error: ')}"
        )
    sys.stdout.write(done.stdout)


def export_run(
    configuration: Configuration,
    out: Path,
    base_path: str | None = None,
    exporter: Exporter = serving_command,
) -> str:
    """Publishes the model of a run, as the section `export` says.

    The package `serving` stays a process of its own: nothing here imports it.

    Args:
        configuration: That of the run; its section `export` may be another.
        out: The folder of the run.
        base_path: The model's folder of versions, or an address with `://`. Default:
            `export.base_path`, or else `export` in the folder of the run.
        exporter: What publishes. Default: `python -m serving export`.

    Returns:
        The folder or address that holds the versions.

    Raises:
        ValueError: If the folder is not that of a run, or its model is only a baseline.
        RuntimeError: If the export fails; the message says why.
    """
    folder = RunFolder(out)
    spec = folder.spec()
    export = configuration.export
    if configuration.model.kind == "logistic_regression":
        raise ValueError(
            "`model.kind` must be AFM or DeepFM to export. Received: "
            "model.kind='logistic_regression', which is a baseline."
        )
    target = base_path or export.base_path or str(out / "export")
    part = "test" if "test" in spec.parts else next(iter(spec.parts))
    exporter(folder.checked_model(), target, spec.files(folder.data, part)[0], export)
    return target
