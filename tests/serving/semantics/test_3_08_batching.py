"""What `--enable_batching` asks of a model: the server joins requests and splits their answers."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import serving
from serving.sidecar import from_json, read_sidecar
from tests.serving.exported import Exported

KEYS = ["classification", "explain", "rank", "regression", "serving_default", "tensors"]


@pytest.fixture(scope="module")
def session(deepfm: Exported) -> Iterator[serving.Session]:
    with serving.Session(deepfm.path) as loaded:
        yield loaded


def golden(exported: Exported, key: str) -> dict[str, Any]:
    requests = read_sidecar(exported.path)["golden"]["requests"]
    inputs = {name: from_json(rows) for name, rows in requests[key]["inputs"].items()}
    kinds = {bytes: object, int: np.int64}  # bytes that end in zeros must keep them
    return {
        name: np.array(rows, kinds[type(np.array(rows, object).flat[0])])
        for name, rows in inputs.items()
    }


def assert_same(got: Any, expected: Any) -> None:
    if got.dtype == object:
        np.testing.assert_array_equal(got, expected)
    else:
        np.testing.assert_allclose(got, expected, atol=1e-6)


def test_every_input_and_output_has_the_batch_first(session: serving.Session) -> None:
    assert sorted(session.signatures) == KEYS
    for signature in session.signatures.values():
        for spec in [*signature.inputs.values(), *signature.outputs.values()]:
            assert spec.shape is not None
            assert len(spec.shape) >= 1
            assert spec.shape[0] is None


def test_rank_takes_and_gives_one_row_per_context(session: serving.Session) -> None:
    rank = session.signatures["rank"]
    assert rank.inputs["context"].shape == (None,)
    assert rank.inputs["candidates"].shape == (None, None)
    assert rank.outputs["scores"].shape == (None, None)
    contexts = np.array([b"", b""], object)
    scores = session.run("rank", {"context": contexts, "candidates": np.array([[1, 2, 3]] * 2)})
    assert scores["scores"].shape == (2, 3)


@pytest.mark.parametrize("key", KEYS)
def test_the_answer_to_joined_requests_is_their_answers_joined(
    key: str, deepfm: Exported, session: serving.Session
) -> None:
    inputs = golden(deepfm, key)
    count = len(next(iter(inputs.values())))
    assert {len(rows) for rows in inputs.values()} == {count}
    together = session.run(key, inputs)
    cuts = [0, 1, 4, count]
    parts = [
        session.run(key, {name: rows[start:end] for name, rows in inputs.items()})
        for start, end in itertools.pairwise(cuts)
    ]
    for name, answer in together.items():
        assert len(answer) == count
        assert_same(answer, np.concatenate([part[name] for part in parts]))


@pytest.mark.parametrize("key", KEYS)
def test_copies_of_a_row_that_fill_a_batch_up_change_no_other_row(
    key: str, deepfm: Exported, session: serving.Session
) -> None:
    inputs = {name: rows[:3] for name, rows in golden(deepfm, key).items()}
    filled = {name: np.concatenate([rows, rows[[0] * 5]]) for name, rows in inputs.items()}
    alone, among = session.run(key, inputs), session.run(key, filled)
    for name, answer in alone.items():
        assert_same(among[name][:3], answer)


@pytest.mark.parametrize("key", ["rank", "tensors"])
def test_columns_filled_up_with_the_first_element_change_no_answer(
    key: str, deepfm: Exported, session: serving.Session
) -> None:
    inputs = golden(deepfm, key)
    wide = {name for name, rows in inputs.items() if rows.ndim == 2}
    assert wide
    filled = {
        name: np.pad(rows, [(0, 0), (0, 4)], constant_values=rows[0, 0]) if name in wide else rows
        for name, rows in inputs.items()
    }
    answers = session.run(key, filled)
    for name, answer in session.run(key, inputs).items():
        columns = answer.shape[1] if answer.ndim == 2 else None
        assert_same(answers[name][:, :columns] if columns else answers[name], answer)
