"""Verification in a process that has nothing of ours loaded."""

import os
import subprocess
import sys
from pathlib import Path

from serving.verification.verification_error import VerificationError

_ROOT = Path(__file__).resolve().parents[2]
_ERROR = "error: "


def verify_apart(path: Path) -> None:
    """Runs `verify` in a fresh Python process.

    The process that trained has the model's variables, tables and functions in memory, which
    could hide what the files lack.

    Args:
        path: The version folder.

    Raises:
        VerificationError: If verification fails, or the process dies.
    """
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "serving", "verify", str(path.resolve())],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    for line in reversed(done.stderr.splitlines()):
        if line.startswith(_ERROR):
            raise VerificationError(line.removeprefix(_ERROR))
    raise VerificationError(
        "`model` must load in a process of its own. Received: the verifying process ended with "
        f"status {done.returncode}: {done.stderr[-2000:].strip()}. Nothing was published."
    )
