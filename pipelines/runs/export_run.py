"""A trained model to a folder that TensorFlow Serving serves."""

import subprocess
import sys
from pathlib import Path

from pipelines.configuration.configuration import Configuration
from pipelines.runs.run_folder import RunFolder


def export_run(configuration: Configuration, out: Path, base_path: str | None = None) -> str:
    """Runs `python -m serving export` on the model of a run, with its section `export`.

    The package `serving` stays a process of its own: nothing here imports it.

    Args:
        configuration: That of the run; its section `export` may be another.
        out: The folder of the run.
        base_path: The model's folder of versions, or an address with `://`. Default:
            `export.base_path`, or else `export` in the folder of the run.

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
    command = [sys.executable, "-m", "serving", "export", str(folder.model), target]
    command += ["--examples", str(spec.files(folder.data, part)[0])]
    command += ["--tolerance", str(export.tolerance)]
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
    return target
