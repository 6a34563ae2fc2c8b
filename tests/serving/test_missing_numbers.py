"""A missing number means one thing from a client's row to the served model."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import serving
import tfrs_afm
from serving.sidecar import from_json, read_sidecar
from tests.columns.test_missing_numbers import CASES, WORDS, features

pytestmark = pytest.mark.long
LISTS = {"places", "stays", "weights"}


@pytest.fixture(scope="module")
def model() -> Any:
    made = tfrs_afm.models.DeepFM([case.column for case in CASES.values()], dim=3, units=(4,))
    made(features())
    for number, weight in enumerate(made.trainable_variables):
        weight.assign(0.02 * tf.random.stateless_normal(weight.shape, [number, 3]))
    return made


@pytest.fixture(scope="module")
def server(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[serving.LocalServer]:
    folder = tmp_path_factory.mktemp("models") / "ranker"
    serving.export(model, folder)
    with serving.LocalServer(serving.ServerOptions(model_base_path=folder)) as running:
        yield running


def rows(missing: Any) -> list[dict[str, Any]]:
    """The cases' rows, with one of the ways to say that a number is missing."""
    found = []
    for number, word in enumerate(WORDS):
        row: dict[str, Any] = {"word": word, "ids": [1, 2]}
        for key, case in CASES.items():
            numbers = [missing if math.isnan(one) else one for one in case.rows[number]]
            row[key] = numbers if len(numbers) > 1 else numbers[0]
        found.append(row)
    return found


@pytest.mark.parametrize("way", ["grpc", "rest", "process"])
@pytest.mark.parametrize("missing", [None, math.nan], ids=["none", "nan"])
def test_a_client_and_the_model_agree_on_missing_numbers(
    server: serving.LocalServer, model: Any, way: str, missing: Any
) -> None:
    version = server.options.model_base_path
    address = {"grpc": server.grpc_address, "rest": server.rest_url, "process": f"{version}/1"}
    with serving.Client(address[way], "default", version) as client:
        scores = client.predict(rows(missing))
        frame = {key: [row[key] for row in rows(missing)] for key in rows(missing)[0]}
        np.testing.assert_array_equal(client.predict(frame), scores)
    np.testing.assert_allclose(scores, model(features())[:, 0], atol=1e-5)
    assert np.ptp(scores) > 1e-3


@pytest.mark.parametrize("way", ["grpc", "rest", "process"])
def test_absent_is_missing_too(server: serving.LocalServer, way: str) -> None:
    version = server.options.model_base_path
    address = {"grpc": server.grpc_address, "rest": server.rest_url, "process": f"{version}/1"}
    given = rows(None)[0]
    absent = {key for key in CASES if given[key] is None}
    assert len(absent) > 14
    kept = {key: value for key, value in given.items() if key not in absent}
    with serving.Client(address[way], "default", version) as client:
        np.testing.assert_allclose(client.predict([kept]), client.predict([given]), atol=1e-6)


def test_golden_rows_hold_missing_numbers(server: serving.LocalServer) -> None:
    sidecar = read_sidecar(server.options.model_base_path / "1")
    examples = sidecar["golden"]["requests"]["serving_default"]["inputs"]["examples"]
    last = tf.train.Example.FromString(from_json(examples)[-1]).features.feature
    for key in CASES:
        assert math.isnan(last[key].float_list.value[0]), key
    for key in ("number_nan", "number_None"):
        assert sidecar["features"][key]["default"] is None
        assert not sidecar["features"][key]["required"]
