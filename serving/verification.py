"""Golden rows, asked of a SavedModel in this process or in a fresh one."""

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from serving.session.session import Session
from serving.sidecar import SIDECAR_FILE, from_json, read_sidecar
from serving.status_error import StatusError
from serving.wire.tensors import NAMES, NUMPY


def verify(path: str | os.PathLike[str]) -> int:
    """Loads a version as TensorFlow Serving does and compares its answers with the trained model's.

    Every signature is asked with all its golden rows at once, in pairs and one by one: a row's
    answer must not depend on its batch mates. Nothing of TensorFlow's Python package is loaded
    and nothing is trained here, so it also tells whether a copy on a server's disk is whole.

    Args:
        path: The version folder.

    Returns:
        The number of golden rows compared, over all signatures.

    Raises:
        VerificationError: If the model does not load, its signatures differ from the sidecar's,
            or an answer differs by more than the tolerance that the sidecar states.
        ValueError: If the folder has no sidecar that can be read.
    """
    folder = Path(path)
    sidecar = read_sidecar(folder)
    try:
        with Session(folder) as session:
            _check_signatures(session, sidecar)
            tolerance, requests = _golden(session, sidecar["golden"])
            return sum(
                _check_answers(session, key, inputs, expected, tolerance)
                for key, (inputs, expected) in requests.items()
            )
    except VerificationError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise VerificationError(
            f"`path` must hold a whole sidecar. Received: path={folder}, whose {SIDECAR_FILE} is "
            f"not ({type(error).__name__}: {error}). Copy or export it again."
        ) from error
    except StatusError as error:
        raise VerificationError(
            f"`path` must hold a model that loads and answers. Received: path={folder}, and "
            f"TensorFlow said: {error}. Copy or export it again."
        ) from error


def _check_signatures(session: Session, sidecar: dict[str, Any]) -> None:
    found = {
        key: {
            "method_name": one.method_name,
            "inputs": {name: _described(spec) for name, spec in one.inputs.items()},
            "outputs": {name: _described(spec) for name, spec in one.outputs.items()},
        }
        for key, one in session.signatures.items()
    }
    for key in sorted({*found, *sidecar["signatures"]}):
        if found.get(key) != sidecar["signatures"].get(key):
            raise VerificationError(
                f"`path` must hold the signatures of its sidecar. Received: signature '{key}' as "
                f"{found.get(key)} instead of {sidecar['signatures'].get(key)}. Export it again."
            )


def _described(spec: Any) -> dict[str, Any]:
    shape = None if spec.shape is None else list(spec.shape)
    return {"dtype": NAMES.get(spec.dtype, str(spec.dtype)), "shape": shape}


def _golden(session: Session, golden: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """The tolerance, and (inputs, outputs) by signature, which are to compare every one."""
    tolerance, requests = golden["tolerance"], golden["requests"]
    if isinstance(tolerance, bool) or not 0 <= tolerance < math.inf:
        raise ValueError(f"a tolerance of {tolerance}")
    if requests.keys() != session.signatures.keys():
        raise ValueError(f"golden rows of {sorted(requests)} and no other signatures")
    found = {}
    for key, signature in session.signatures.items():
        inputs = {name: from_json(rows) for name, rows in requests[key]["inputs"].items()}
        outputs = {
            name: np.asarray(from_json(rows), NUMPY[signature.outputs[name].dtype])
            for name, rows in requests[key]["outputs"].items()
        }
        counts = {len(rows) for rows in (*inputs.values(), *outputs.values())}
        same = inputs.keys() == signature.inputs.keys()
        same &= outputs.keys() == signature.outputs.keys()
        if not same or len(counts) != 1 or counts == {0}:
            raise ValueError(f"golden rows of signature '{key}' that are not as many")
        found[key] = inputs, outputs
    return tolerance, found


def _check_answers(
    session: Session,
    key: str,
    inputs: dict[str, Any],
    expected: dict[str, Any],
    tolerance: float,
) -> int:
    count = len(next(iter(inputs.values())))
    for rows in _batches(count):
        asked = {name: values[rows] for name, values in inputs.items()}
        try:
            answers = session.run(key, asked)
        except StatusError as error:
            raise VerificationError(
                f"`model` must answer its golden rows. Received: signature '{key}' failed on rows "
                f"{rows.start} to {rows.stop - 1}: {error}. Nothing was published."
            ) from error
        for name, answer in answers.items():
            _compare(key, name, rows, answer, expected[name][rows], tolerance)
    return count


def _batches(count: int) -> Iterator[slice]:
    """All rows, then pairs, then one by one."""
    for size in (count, 2, 1):
        for start in range(0, count, size):
            yield slice(start, min(start + size, count))


def _compare(key: str, name: str, rows: slice, got: Any, expected: Any, tolerance: float) -> None:
    batch = rows.stop - rows.start
    if got.shape != expected.shape:
        raise VerificationError(
            f"`model` must answer every row. Received: shape {got.shape} instead of "
            f"{expected.shape} for output '{name}' of signature '{key}', batch of {batch}. "
            "Nothing was published."
        )
    if got.dtype == object:
        wrong = got != expected
        differences = wrong.astype(np.float64)
    else:
        differences = np.abs(got.astype(np.float64) - expected.astype(np.float64))
        wrong = ~(differences <= tolerance * np.maximum(1.0, np.abs(expected)))
    if not wrong.any():
        return
    place = np.unravel_index(np.argmax(np.where(wrong, differences, -1.0)), wrong.shape)
    raise VerificationError(
        "`model` must answer as the trained model did. Received: signature "
        f"'{key}', output '{name}', row {rows.start + int(place[0])} in a batch of {batch}: "
        f"{got[place]!r} instead of {expected[place]!r}, a difference of "
        f"{float(differences[place]):.3g}. Nothing was published."
    )


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


class VerificationError(ValueError):
    """A SavedModel that does not load, or does not answer as the trained model did."""
