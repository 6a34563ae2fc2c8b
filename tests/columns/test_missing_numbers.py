"""A missing number is its column's default, or no member; whatever is made of the number."""

import bisect
import collections
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
NAN = math.nan
BOUNDS = [0.0, 10.0, 50.0]
DIM = 3
WORDS = ["a", "b", "a", "b"]
Members = list[tuple[int, float]]


class Case(NamedTuple):
    """A column, what its feature holds, and the ids and x_i of a row by plain arithmetic."""

    column: Any
    rows: list[list[float]]
    members: Callable[[int, list[float]], Members]
    mean: bool = False


def times(*defaults: float | None, shift: float = 0.0, scale: float = 1.0) -> Any:
    """Each number is a member of its own, normalized; one without a value or default is none."""

    def members(_: int, row: list[float]) -> Members:
        filled = [
            default if math.isnan(one) and default is not None else one
            for one, default in zip(row, defaults, strict=True)
        ]
        return [(i, (one - shift) / scale) for i, one in enumerate(filled) if not math.isnan(one)]

    return members


def buckets(*defaults: float | None) -> Any:
    def members(number: int, row: list[float]) -> Members:
        each = times(*defaults)(number, row)
        return [(bisect.bisect(BOUNDS, one) + 4 * element, 1.0) for element, one in each]

    return members


def shares(default: float | None) -> Any:
    def members(number: int, row: list[float]) -> Members:
        found = []
        for _, one in times(default)(number, row):
            below = min(max(bisect.bisect(BOUNDS, one) - 1, 0), 1)
            part = (one - BOUNDS[below]) / (BOUNDS[below + 1] - BOUNDS[below])
            part = min(max(part, 0.0), 1.0)
            found = [(below, 1.0 - part), (below + 1, part)]
        return found

    return members


def crosses(default: float | None) -> Any:
    def members(number: int, row: list[float]) -> Members:
        found = []
        for bucket, _ in buckets(default)(number, row):
            one = tf.sparse.from_dense([[WORDS[number]]])
            ids = tf.SparseTensor([[0, 0]], [bucket], [1, 1])
            hashed = tf.sparse.cross_hashed([ids, one], 20)
            found.append((int(hashed.values[0]), 1.0))
        return found

    return members


def each_place(_: int, row: list[float]) -> Members:
    return [(0, one) for one in row if not math.isnan(one)]


def bucket_of_each_place(_: int, row: list[float]) -> Members:
    return [(bisect.bisect(BOUNDS, one), 1.0) for one in row if not math.isnan(one)]


ONE = [[NAN], [20.0], [5.0], [NAN]]
TWO = [[NAN, 20.0], [NAN, NAN], [70.0, NAN], [5.0, 2.0]]
FOUR = [[NAN, 1.0, NAN, 2.0], [NAN] * 4, [1.0, 2.0, 3.0, 4.0], [0.5, NAN, 7.0, NAN]]
LISTS = [[NAN, 20.0], [NAN, NAN], [5.0, -3.0], [60.0, NAN]]


def numeric(key: str, *, shape: Any = (1,), **arguments: Any) -> Any:
    return fc.numeric_column(key, shape, **arguments)


def embedded(column: Any, combiner: str = "mean") -> Any:
    return fc.embedding_column(column, DIM, combiner)


def cases() -> dict[str, Case]:
    normalizer = tfrs_afm.Normalizer(shift=15.0, scale=5.0)
    usual = {"shift": 15.0, "scale": 5.0}
    found: dict[str, Case] = {}
    for default in (30.0, None, NAN):
        name = str(default).replace(".", "_")
        known = None if default is None or math.isnan(default) else default

        def column(kind: str, name: str = name, default: Any = default, **more: Any) -> Any:
            return numeric(f"{kind}_{name}", default_value=default, **more)

        both = {"shape": (2,), "default_value": None if default is None else [default, default]}
        found |= {
            f"number_{name}": Case(column("number"), ONE, times(known)),
            f"normal_{name}": Case(
                column("normal", normalizer_fn=normalizer), ONE, times(known, **usual)
            ),
            f"pair_{name}": Case(numeric(f"pair_{name}", **both), TWO, times(known, known)),
            f"grid_{name}": Case(column("grid", shape=(2, 2)), FOUR, times(*[known] * 4)),
            f"bucket_{name}": Case(
                fc.bucketized_column(column("bucket"), BOUNDS), ONE, buckets(known)
            ),
            f"buckets_{name}": Case(
                embedded(fc.bucketized_column(numeric(f"buckets_{name}", **both), BOUNDS)),
                TWO,
                buckets(known, known),
                mean=True,
            ),
            f"line_{name}": Case(
                embedded(tfrs_afm.piecewise_linear_column(column("line"), BOUNDS)),
                ONE,
                shares(known),
            ),
            f"cross_{name}": Case(
                embedded(
                    fc.crossed_column([fc.bucketized_column(column("cross"), BOUNDS), "word"], 20)
                ),
                ONE,
                crosses(known),
                mean=True,
            ),
        }
    mixed = numeric("mixed", shape=(2,), default_value=[30.0, 0.5])
    places = fc.sequence_numeric_column("places")
    stays = fc.sequence_numeric_column("stays")
    ids = fc.categorical_column_with_identity("ids", 5)
    return found | {
        "mixed": Case(mixed, TWO, times(30.0, 0.5)),
        "places": Case(places, LISTS, each_place, mean=True),
        "stays": Case(
            embedded(tfrs_afm.sequence_bucketized_column(stays, BOUNDS)),
            LISTS,
            bucket_of_each_place,
            mean=True,
        ),
        "weights": Case(
            embedded(fc.weighted_categorical_column(ids, "weights"), "sum"),
            LISTS,
            lambda _, row: [(i + 1, one) for i, one in enumerate(row) if not math.isnan(one)],
        ),
    }


CASES = cases()


@pytest.fixture(scope="module")
def layer() -> tfrs_afm.FieldEmbedding:
    made = tfrs_afm.FieldEmbedding([case.column for case in CASES.values()], DIM)
    made.build(None)
    generator = np.random.default_rng(5)
    for weight in made.weights:
        weight.assign(generator.normal(size=weight.shape))
    return made


def features(dtype: Any = tf.float32) -> dict[str, Any]:
    lists = {"places", "stays", "weights"}
    found = {
        key: tf.ragged.constant(case.rows).to_sparse()
        if key in lists
        else tf.constant(case.rows, dtype)
        for key, case in CASES.items()
    }
    shaped = {key: tf.reshape(one, [-1, 2, 2]) for key, one in found.items() if "grid" in key}
    ids = tf.sparse.from_dense(tf.constant([[1, 2]] * 4, tf.int64))
    return {**found, **shaped, "word": tf.constant(WORDS), "ids": ids}


@pytest.mark.matrix
@pytest.mark.parametrize("mode", ["eager", "graph", "stacked", "float64", "flat"])
def test_a_missing_number_is_the_default_or_no_member(
    layer: tfrs_afm.FieldEmbedding, mode: str
) -> None:
    given = features(tf.float64 if mode == "float64" else tf.float32)
    if mode == "flat":  # (batch,) for one number
        given |= {
            key: one[:, 0]
            for key, one in given.items()
            if isinstance(one, tf.Tensor) and one.shape.rank == 2 and one.shape[1] == 1
        }
    if mode == "graph":
        found = tf.function(layer)(given)
    elif mode == "stacked":
        with layer.stacked():
            found = tf.function(lambda one: layer(one))(given)
    else:
        found = layer(given)
    for place, (name, case) in enumerate(CASES.items()):
        field = layer.fields[place]
        table = layer.tables[field.table.name].weights[0].numpy()
        for number, row in enumerate(case.rows):
            members = case.members(number, row)
            expected = sum((x * table[i] for i, x in members), np.zeros(DIM))
            expected = expected / len(members) if case.mean and members else expected
            message = f"{name}, row {number}"
            got = found.vectors[number, place]
            np.testing.assert_allclose(got, expected, atol=1e-4, err_msg=message)
            real = any(x != 0.0 for _, x in members)
            assert bool(found.mask[number, place]) == real, message


def test_padding_is_not_crossed() -> None:
    """TensorFlow hashes the empty string of a dense feature; examples without one have no cross."""
    layer = tfrs_afm.FieldEmbedding([embedded(fc.crossed_column(["word", "other"], 20))])
    given = {"word": tf.constant(["a", "", "b"]), "other": tf.constant([["x"], ["x"], [""]])}
    assert layer(given).mask.numpy().tolist() == [[True], [False], [False]]


def operations(columns: int, default: float | None) -> int:
    layer = tfrs_afm.FieldEmbedding(
        [fc.numeric_column(f"n{i}", default_value=default) for i in range(columns)], 2
    )
    layer.build(None)
    specs = {f"n{i}": tf.TensorSpec([None, 1]) for i in range(columns)}
    with layer.stacked():
        graph = tf.function(lambda given: layer(given)).get_concrete_function(specs).graph
    ops = collections.Counter(node.op for node in graph.as_graph_def().node)
    return sum(n for op, n in ops.items() if op not in ("Const", "Placeholder", "Identity"))


def test_defaults_cost_an_operation_a_batch_and_not_a_column() -> None:
    assert operations(12, 1.0) - operations(4, 1.0) <= operations(12, None) - operations(4, None)
