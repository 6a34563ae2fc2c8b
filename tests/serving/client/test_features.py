"""What is refused before anything is sent, and what goes on the wire."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from serving.client.errors import FeatureError, FeatureTypeError
from serving.client.features import Feature, encode_example, rows_of

FEATURES = {
    "user": Feature("user", "int64", None, required=False, side="context"),
    "seen": Feature("seen", "int64", None, required=False, side="context"),
    "word": Feature("word", "string", None, required=False, side="candidate"),
    "age": Feature("age", "float", 1, required=False, side="context"),
    "place": Feature("place", "float", 2, required=True, side="context"),
    "height": Feature("height", "float", 1, required=True, side="context", masks=True),
    "spans": Feature("spans", "float", 3, False, "context", (1.0, None, 3.0), masks=True),
    "days": Feature("days", "float", None, required=False, side="context", masks=True),
}
PLACE = {"place": [1.0, 2.0], "height": 2.0}
NAN = float("nan")


def decoded(values: dict[str, Any]) -> dict[str, list[Any]]:
    example = tf.train.Example.FromString(encode_example(FEATURES, PLACE | values, 0))
    found = {}
    for name, feature in example.features.feature.items():
        found[name] = list(getattr(feature, feature.WhichOneof("kind")).value)
    return found


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("user", 3, [3]),
        ("user", np.int32(3), [3]),
        ("user", [], None),
        ("user", None, None),
        ("user", -(2**63), [-(2**63)]),
        ("seen", [1, 2, 3], [1, 2, 3]),
        ("seen", (np.int64(1), 2), [1, 2]),
        ("seen", np.array([4, 5], np.uint8), [4, 5]),
        ("seen", np.array([]), None),
        ("word", "größe", ["größe".encode()]),
        ("word", b"\xff\x00", [b"\xff\x00"]),
        ("word", np.array(["a", "bc"]), [b"a", b"bc"]),
        ("word", np.array([b"a", "b"], object), [b"a", b"b"]),
        ("age", 3, [3.0]),
        ("age", np.float64(0.5), [0.5]),
        ("age", float("nan"), None),
        ("age", np.float32("nan"), None),
        ("place", np.array([[0.5, 1]]), [0.5, 1.0]),
    ],
)
def test_plain_python_and_numpy_become_the_right_list(name: str, value: Any, expected: Any) -> None:
    got = decoded({name: value})
    assert got.get(name) == expected
    assert set(got) == {*PLACE, *([name] if expected is not None else [])}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("height", None, [NAN]),
        ("height", NAN, [NAN]),
        ("height", [None], [NAN]),
        ("height", np.array(NAN), [NAN]),
        ("spans", None, None),
        ("spans", [NAN, NAN, None], [1.0, NAN, 3.0]),
        ("spans", np.array([7.0, NAN, NAN]), [7.0, NAN, 3.0]),
        ("days", [1.0, None, NAN], [1.0, NAN, NAN]),
        ("days", NAN, None),
    ],
)
def test_a_missing_number_is_its_default_or_nan(name: str, value: Any, expected: Any) -> None:
    got = decoded({name: value}).get(name)
    assert (got is None) == (expected is None)
    if expected is not None:
        np.testing.assert_array_equal(got, expected)


def test_sidecars_of_before_say_nothing_of_masks() -> None:
    """Their graphs put NaN into the last bucket; a default stands in the sidecar."""
    entry = {"dtype": "float", "shape": [2], "default": [1.0, 2.0], "side": "both"}
    known = Feature.of("pair", {**entry, "required": False})
    assert known.values([None, NAN], 0) == [1.0, 2.0]
    with pytest.raises(FeatureError, match="must hold a finite 32-bit float"):
        Feature.of("pair", {**entry, "default": None, "required": True}).values([NAN, 1.0], 0)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("user", "3", FeatureTypeError),
        ("user", 3.0, FeatureTypeError),
        ("user", True, FeatureTypeError),
        ("user", np.array([1.0]), FeatureTypeError),
        ("user", np.bool_(True), FeatureTypeError),
        ("seen", [1, "2"], FeatureTypeError),
        ("seen", {1, 2}, FeatureTypeError),
        ("seen", [[1], [2]], FeatureTypeError),
        ("seen", [1, None], FeatureTypeError),
        ("word", 3, FeatureTypeError),
        ("word", [np.array(["a"])], FeatureTypeError),
        ("age", "3.0", FeatureTypeError),
        ("age", 1j, FeatureTypeError),
        ("user", 2**63, FeatureError),
        ("age", float("inf"), FeatureError),
        ("age", 1e39, FeatureError),
        ("age", [1.0, 2.0], FeatureError),
        ("place", 1.0, FeatureError),
        ("place", [1.0, float("nan")], FeatureError),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_feature_and_row(
    name: str, value: Any, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=f"for feature '{name}' in row 7"):
        encode_example(FEATURES, PLACE | {name: value}, 7)


def test_unknown_and_missing_features_are_refused() -> None:
    with pytest.raises(FeatureError, match=r"`features` must be among .*Received: \['usr'\]"):
        encode_example(FEATURES, PLACE | {"usr": 3}, 0)
    with pytest.raises(FeatureError, match="`features` must hold 'place', which has no default"):
        encode_example(FEATURES, {"user": 3}, 0)
    with pytest.raises(FeatureError, match="which has no default"):
        encode_example(FEATURES, {"place": None}, 0)


class _Frame:
    """As much of a pandas data frame as the client looks at."""

    iloc = None

    def __init__(self, columns: dict[str, list[Any]]) -> None:
        self._columns = {name: np.array(column, object) for name, column in columns.items()}
        self.columns = list(columns)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._columns[name]


@pytest.mark.parametrize(
    "data",
    [
        [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
        ({"a": 1, "b": "x"}, {"a": 2, "b": "y"}),
        {"a": np.array([1, 2]), "b": ["x", "y"]},
        _Frame({"a": [1, 2], "b": ["x", "y"]}),
    ],
)
def test_rows_columns_and_data_frames_are_the_same_rows(data: Any) -> None:
    assert rows_of(data) == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]


@pytest.mark.parametrize("data", [3, "rows", [3], {"a": 3}, {"a": "text"}, {"a": np.array(3)}])
def test_other_forms_of_rows_are_refused(data: Any) -> None:
    with pytest.raises(FeatureTypeError, match="`features` must"):
        rows_of(data)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(FeatureError, match="columns of one length"):
        rows_of({"a": [1], "b": [1, 2]})
