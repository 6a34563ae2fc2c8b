"""Lookups in all tables of a batch, beside sums in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tfrs_afm
from tests.kernels.graphs import operations
from tfrs_afm import kernels
from tfrs_afm.kernels import lookups

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(kernels.status().form == "stock", reason=kernels.status().reason),
]
Use = Callable[..., None]
COMBINERS = ["sum", "mean", "sqrtn"]
RNG = np.random.default_rng(11)


class Case:
    """Tables of some fields, and ids of some examples."""

    def __init__(self, lengths: list[list[int]], dim: int, *, linear: bool = True) -> None:
        fields, self.batch = len(lengths), len(lengths[0])
        self.rows = [3 + 4 * field for field in range(fields)]
        self.vectors = [
            tf.Variable(RNG.normal(size=(rows, dim)), dtype=tf.float32) for rows in self.rows
        ]
        self.weights = [
            tf.Variable(RNG.normal(size=(rows, 1)), dtype=tf.float32) for rows in self.rows
        ] * linear
        self.combiners = [COMBINERS[field % 3] for field in range(fields)]
        flat = [length for one in lengths for length in one]
        self.segments = np.repeat(np.arange(len(flat)), flat)
        limits = np.array(self.rows)[self.segments // max(self.batch, 1)]
        self.ids = np.where(RNG.random(len(limits)) < 0.2, -1, RNG.integers(limits))

    def look_up(self, *, one_each: bool = False) -> Any:
        return lookups.look_up(
            self.vectors,
            self.weights,
            self.combiners,
            tf.constant(self.ids, tf.int64),
            None if one_each else tf.constant(self.segments, tf.int64),
            tf.constant(self.batch, tf.int64),
        )

    def expected(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vectors, mask and linear terms, member by member in float64."""
        fields, dim = len(self.rows), self.vectors[0].shape[1]
        vectors = np.zeros([self.batch, fields, dim])
        linear, counts = np.zeros([self.batch, fields]), np.zeros([self.batch, fields])
        for row, segment in zip(self.ids, self.segments, strict=True):
            if row >= 0:
                field, example = divmod(segment, self.batch)
                vectors[example, field] += self.vectors[field].numpy()[row].astype(np.float64)
                if self.weights:
                    linear[example, field] += float(self.weights[field].numpy()[row, 0])
                counts[example, field] += 1
        power = np.array([{"sum": 0, "mean": 1, "sqrtn": 0.5}[one] for one in self.combiners])
        scale = np.where(counts > 0, np.maximum(counts, 1) ** -power, 0)
        return vectors * scale[:, :, np.newaxis], counts > 0, linear * scale


def lengths(fields: int, batch: int, most: int) -> list[list[int]]:
    return RNG.integers(most + 1, size=(fields, batch)).tolist()


def check(case: Case, *, one_each: bool = False) -> None:
    with tf.GradientTape() as tape:
        vectors, mask, linear = case.look_up(one_each=one_each)
        up = tf.constant(RNG.normal(size=vectors.shape), tf.float32)
        flat = tf.constant(RNG.normal(size=mask.shape), tf.float32)
        total = tf.reduce_sum(vectors * up)
        if linear is not None:
            total += tf.reduce_sum(linear * flat)
    expected = case.expected()
    np.testing.assert_allclose(vectors, expected[0], atol=1e-5)
    np.testing.assert_array_equal(mask, expected[1])
    if linear is not None:
        np.testing.assert_allclose(linear, expected[2], atol=1e-5)
    tables = [*case.vectors, *case.weights]
    gradients = tape.gradient(total, tables)
    assert all(isinstance(one, tf.IndexedSlices) for one in gradients)
    # The sum is linear in each table: moved by d, it moves by d times the gradient.
    for table, gradient in zip(tables, gradients, strict=True):
        dense = tf.convert_to_tensor(gradient).numpy().astype(np.float64)
        assert dense.shape == table.shape
        moved = RNG.normal(size=table.shape).astype(np.float32)
        before = case.expected()
        table.assign_add(moved)
        after = case.expected()
        table.assign_sub(moved)
        change = np.sum((after[0] - before[0]) * up.numpy()) + (
            np.sum((after[2] - before[2]) * flat.numpy()) if case.weights else 0
        )
        assert np.sum(dense * moved) == pytest.approx(change, abs=1e-3)


@pytest.mark.parametrize("dim", [1, 3, 16, 37])
def test_sums_and_gradients_are_those_of_float64(dim: int, form: str, use: Use) -> None:
    use(form)
    check(Case(lengths(4, 30, 5), dim))


def test_one_id_each_needs_no_segments(form: str, use: Use) -> None:
    use(form)
    check(Case([[1] * 700] * 3, 8), one_each=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(0, 9), st.integers(0, 4), st.integers(1, 20), st.booleans())
def test_any_number_of_fields_examples_and_members(
    fields: int, batch: int, most: int, dim: int, linear: bool
) -> None:
    check(Case(lengths(fields, batch, most) if batch else [[]] * fields, dim, linear=linear))


def test_no_member_at_all_has_no_gradient() -> None:
    check(Case([[0] * 5] * 3, 4))


def test_results_are_the_same_to_the_bit_in_every_call_and_form(use: Use) -> None:
    case = Case(lengths(6, 900, 4), 16)
    found = []
    for form in [*kernels.status().forms, kernels.status().form]:
        use(form)
        with tf.GradientTape() as tape:
            vectors, _, linear = case.look_up()
            total = tf.reduce_sum(vectors**2) + tf.reduce_sum(linear**2)
        gradients = tape.gradient(total, [*case.vectors, *case.weights])
        found.append([vectors, linear, *(tf.convert_to_tensor(one) for one in gradients)])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-6)
    for one, two in zip(found[0], found[-1], strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_gradient_of_a_gradient_is_the_stock_forms() -> None:
    layer, features = embedding()

    def second() -> list[Any]:
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                fields = layer(features)
                total = tf.reduce_sum(fields.vectors**3) + tf.reduce_sum(fields.linear**2)
            first = inner.gradient(total, layer.trainable_variables)
            squared = sum(tf.reduce_sum(tf.convert_to_tensor(one) ** 2) for one in first)
        found = outer.gradient(squared, layer.trainable_variables)
        return [tf.convert_to_tensor(one).numpy() for one in found]

    ours = second()
    with kernels.stock():
        for one, other in zip(ours, second(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("place", [0, 5])
def test_an_id_that_its_table_does_not_have_is_an_error(place: int) -> None:
    case = Case([[2, 1], [2, 1]], 4)
    case.ids[place] = 10_000
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"must be in their table.*10000"):
        case.look_up()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"segments": [0, 1]}, "one an id"),
        ({"segments": [3, 2, 1, 0]}, "must ascend"),
        ({"segments": [0, 1, 2, 4]}, "must ascend"),
        ({"segments": [-1, 1, 2, 3]}, "must ascend"),
        ({"batch": -1}, "number of examples"),
        ({"batch": 2**62}, "number of examples"),
        ({"batch": 2**50}, "allocat|memory|shape"),
    ],
)
def test_what_does_not_fit_is_an_error_of_tensorflow(change: dict[str, Any], words: str) -> None:
    case = Case([[1, 1], [1, 1]], 4)
    case.segments, case.batch = change.get("segments", case.segments), change.get("batch", 2)
    with pytest.raises(tf.errors.OpError, match=f"(?i){words}"):
        case.look_up()


def embedding(**kwargs: Any) -> tuple[Any, dict[str, Any]]:
    fc = tf.feature_column
    plain = [
        fc.embedding_column(fc.categorical_column_with_identity(name, 9), 4, combiner)
        for name, combiner in zip("abc", COMBINERS, strict=True)
    ]
    shared = tfrs_afm.shared_embeddings(
        [
            fc.sequence_categorical_column_with_identity("seen", 9),
            fc.categorical_column_with_identity("d", 9),
        ],
        4,
    )
    layer = tfrs_afm.FieldEmbedding([*plain, *shared, fc.numeric_column("n")], **kwargs)
    layer.build(None)
    for weight in layer.weights:
        weight.assign(
            tf.random.stateless_normal(weight.shape, [3, len(weight.name)], dtype=weight.dtype)
        )
    lists = tf.ragged.constant([[1, 2], [], [8], [0, 0, 3]], tf.int64)
    numbers = tf.constant([[1.0], [0.0], [-2.0], [float("nan")]])
    return layer, {
        **{name: tf.constant([1, -1, 3, 8]) for name in "abd"},
        "c": lists,
        "seen": lists,
        "n": numbers,
    }


def step(layer: Any, features: Any) -> tuple[Any, list[Any]]:
    with tf.GradientTape() as tape:
        fields = layer(features)
        total = tf.reduce_sum(fields.vectors**2) + tf.reduce_sum(fields.linear**3)
    return fields, tape.gradient(total, layer.trainable_variables)


@pytest.mark.parametrize("graph", [False, True])
def test_a_layer_embeds_as_it_does_by_stock_operations(graph: bool) -> None:
    layer, features = embedding()
    run = tf.function(lambda given: step(layer, given)) if graph else lambda g: step(layer, g)
    fields, gradients = run(features)
    with kernels.stock():
        expected, others = step(layer, features)
    for one, other in zip(fields, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    for one, other in zip(gradients, others, strict=True):
        np.testing.assert_allclose(
            tf.convert_to_tensor(one), tf.convert_to_tensor(other), rtol=1e-5, atol=1e-5
        )


def holds_lookups(layer: Any, features: Any, run: Any = step) -> bool:
    function = tf.function(lambda given: run(layer, given)).get_concrete_function(features)
    return "TfrsAfmLookUp" in operations(function.graph.as_graph_def())


def test_where_the_kernels_look_up_and_where_not() -> None:
    layer, features = embedding()
    assert holds_lookups(layer, features)
    assert not holds_lookups(layer, features, lambda one, given: one(given))  # no tape
    with kernels.stock():
        assert not holds_lookups(layer, features)
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        assert not holds_lookups(layer, features)
    assert not holds_lookups(*embedding(l2=0.1))  # sums squares of the distinct rows
    assert not holds_lookups(*embedding(dtype="float64"))
    composed = tfrs_afm.embeddings.QuotientRemainderTable(9, 4)
    one = tf.feature_column.categorical_column_with_identity("a", 9)
    layer = tfrs_afm.FieldEmbedding(
        [tf.feature_column.embedding_column(one, 4)], tables={"a_embedding": composed}
    )
    layer.build(None)
    assert not holds_lookups(layer, features)
