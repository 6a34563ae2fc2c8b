"""A sidecar that is damaged, or made to do harm, is an error of ours and nothing else."""

import contextlib
import copy
import json
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import serving
from serving import verification
from serving.client import SchemaError
from serving.client.schema import Schema
from serving.sidecar import SIDECAR_FILE
from tests.serving.exported import Exported

OTHERS: list[Any] = [None, True, -1, 0.5, 10**400, float("nan"), "../x", [], [3], {}, {"x": [3]}]
DEEP = "[" * 100_000 + "]" * 100_000
NOT_READ = {"model", "versions", "tables", "vocabularies", "schema_hash"}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to all that is read; of a list, to its first element."""
    yield path
    keys = value if isinstance(value, dict) else [0] if isinstance(value, list) and value else []
    for key in keys:
        if key not in NOT_READ:
            yield from places(value[key], (*path, key))


def changed(content: Any, path: tuple[Any, ...], other: Any) -> Any:
    """A copy in which another value is at the path."""
    if not path:
        return other
    copied = copy.copy(content)
    copied[path[0]] = changed(content[path[0]], path[1:], other)
    return copied


@pytest.fixture
def one_session(afm: Exported, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Verifies with a session that is loaded once: only the sidecars differ."""

    class Kept(serving.Session):
        def __enter__(self) -> "Kept":
            return self

        def __exit__(self, *_: Any) -> None:
            pass

        def run(self, signature: str, inputs: Any, **given: Any) -> Any:
            """Asks once: nearly all requests of a sidecar are those of the others."""
            asked = signature, pickle.dumps([inputs, given])
            if asked not in answers:
                answers[asked] = super().run(signature, inputs, **given)
            return answers[asked]

    answers: dict[Any, Any] = {}
    kept = Kept(afm.path)
    monkeypatch.setattr(verification, "Session", lambda path: kept)
    yield
    kept.close()


@pytest.mark.long
@pytest.mark.usefixtures("one_session")
def test_a_sidecar_with_a_value_of_another_kind_fails_or_changes_nothing(
    afm: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = json.loads((afm.path / SIDECAR_FILE).read_text())
    content = None
    monkeypatch.setattr(verification, "read_sidecar", lambda path: content)
    requests = written["golden"]["requests"]
    for one in requests.values():  # two rows are as good as all
        for side in ("inputs", "outputs"):
            one[side] = {name: rows[:2] for name, rows in one[side].items()}
    refused = 0
    for path in places(written):
        for other in OTHERS:
            content = changed(written, path, other)
            if isinstance(content, dict):
                with contextlib.suppress(SchemaError):  # and nothing else
                    Schema(content)
            try:
                serving.verify(afm.path)
            except serving.VerificationError:
                refused += 1
            else:  # another input may have the same answer, and null is a default
                assert (
                    path[:1] == ("features",)
                    or "outputs" not in path
                    or other == _at(written, path)
                )
    assert refused > 200


def _at(content: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        content = content[key]
    return content


def of_its_own(folder: Path, text: str) -> Path:
    """A version that has another sidecar, and no model."""
    file = folder / "1" / SIDECAR_FILE
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return folder / "1"


@pytest.mark.parametrize("text", [DEEP, '{"format": 1, "features": ' + DEEP + "}", "", "[1]", "\0"])
def test_a_sidecar_that_is_no_object_is_named(text: str, tmp_path: Path) -> None:
    path = of_its_own(tmp_path, text)
    with pytest.raises(ValueError, match="`path` must hold a"):
        serving.verify(path)
    with pytest.raises(SchemaError, match="`schema` must"):
        serving.Client("localhost:1", schema=path)


@pytest.mark.matrix
@pytest.mark.usefixtures("one_session")
@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("golden", "tolerance"), float("inf"), "a tolerance of inf"),
        (("golden", "tolerance"), float("nan"), "a tolerance of nan"),
        (("golden", "requests"), {}, r"golden rows of \[\]"),
        (("golden", "requests", "serving_default", "inputs", "examples"), [], "not as many"),
        (("golden", "requests", "serving_default", "outputs"), {}, "not as many"),
    ],
)
def test_a_comparison_that_cannot_fail_is_none(
    path: tuple[str, ...], value: Any, said: str, afm: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty set of golden rows was a version verified, "0 golden rows equal"."""
    content = changed(json.loads((afm.path / SIDECAR_FILE).read_text()), path, value)
    monkeypatch.setattr(verification, "read_sidecar", lambda path: content)
    with pytest.raises(serving.VerificationError, match=f"must hold a whole sidecar.*{said}"):
        serving.verify(afm.path)
