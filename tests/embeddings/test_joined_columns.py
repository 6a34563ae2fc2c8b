"""Columns of a kind are worked on together; each must come out as if it were alone."""

import collections
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from tests.columns import kinds

pytestmark = pytest.mark.long

fc = tf.feature_column
PARTS = ("vectors", "mask", "linear")


def over(column: Any, name: str) -> Any:
    """The same column over features of its own, so that all kinds may stand together."""
    changed = {}
    for part, value in column._asdict().items():
        if part in ("key", "weight_feature_key"):
            changed[part] = f"{value}_{name}"
        elif hasattr(value, "parse_example_spec"):
            changed[part] = over(value, name)
        elif part == "keys":
            changed[part] = tuple(
                f"{one}_{name}" if isinstance(one, str) else over(one, name) for one in value
            )
    return column._replace(**changed)


NAMES = [kind for kind in kinds.KINDS if kind != "shared"]


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    made = kinds.columns(tmp_path_factory.mktemp("words"))
    return [over(made[name], name) for name in NAMES]


@pytest.fixture(scope="module")
def together(columns: list[Any]) -> tfrs_afm.FieldEmbedding:
    layer = tfrs_afm.FieldEmbedding(columns, kinds.DIM)
    layer(forms()["sparse"])
    rng = np.random.default_rng(3)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    return layer


def forms() -> dict[str, dict[str, Any]]:
    sparse = kinds.features()
    ragged = {
        key: tf.RaggedTensor.from_sparse(one) if isinstance(one, tf.SparseTensor) else one
        for key, one in sparse.items()
    }
    padding = {tf.int64: -1, tf.string: "", tf.float32: 0.0}
    dense = {
        key: tf.sparse.to_dense(one, padding[one.dtype])
        if isinstance(one, tf.SparseTensor)
        else one
        for key, one in sparse.items()
    }
    first = {key: one[:, 0] if key in ("ints", "words") else one for key, one in dense.items()} | {
        "floats": dense["floats"][:, :1]
    }
    found = {"sparse": sparse, "ragged": ragged, "dense": dense, "one id": first}
    return {
        form: {f"{key}_{name}": one for key, one in features.items() for name in NAMES}
        for form, features in found.items()
    }


@pytest.mark.parametrize("form", ["sparse", "ragged", "dense", "one id"])
@pytest.mark.parametrize("mode", ["eager", "graph", "stacked"])
def test_beside_others_a_column_is_what_it_is_alone(
    together: tfrs_afm.FieldEmbedding, form: str, mode: str
) -> None:
    features = forms()[form]
    if mode == "eager":
        found = together(features)
    elif mode == "graph":
        found = tf.function(together)(features)
    else:
        with together.stacked():
            found = tf.function(lambda given: together(given))(features)
    mask = found.mask.numpy()
    assert not mask.all()
    np.testing.assert_array_equal(found.vectors[~mask], 0.0)
    np.testing.assert_array_equal(found.linear[~mask], 0.0)
    for index, field in enumerate(together.fields):
        alone = together.embed(features, [field])
        for part in PARTS:
            got, expected = getattr(found, part)[:, index], getattr(alone, part)[:, 0]
            np.testing.assert_allclose(got, expected, atol=1e-6, err_msg=f"{field.name} {part}")


def test_the_order_of_fields_is_the_one_asked_for(together: tfrs_afm.FieldEmbedding) -> None:
    features, fields = forms()["sparse"], together.fields
    every = together(features)
    asked = [fields[index] for index in (7, 0, 3)]
    some = together.embed(features, asked)
    for part in PARTS:
        expected = tf.gather(getattr(every, part), [7, 0, 3], axis=1)
        np.testing.assert_allclose(getattr(some, part), expected, atol=1e-6)


def test_gradients_reach_each_table_alone(together: tfrs_afm.FieldEmbedding) -> None:
    """The sum over all fields has the gradient of each field's own sum."""
    features = forms()["sparse"]
    variables = together.trainable_variables

    def gradients(fields: Any) -> list[Any]:
        with tf.GradientTape() as tape:
            embedded = together.embed(features, fields)
            scale = tf.range(1.0, kinds.DIM + 1)
            total = tf.reduce_sum(embedded.vectors * scale) + tf.reduce_sum(embedded.linear**2)
        found = tape.gradient(total, variables, unconnected_gradients="zero")
        return [tf.convert_to_tensor(one).numpy() for one in found]

    every = gradients(together.fields)
    alone = [gradients([field]) for field in together.fields]
    for place, variable in enumerate(variables):
        expected = sum(one[place] for one in alone)
        np.testing.assert_allclose(every[place], expected, atol=1e-5, err_msg=variable.name)


LIMITS = {"a": 3, "b": 50, "c": 7}


@pytest.mark.parametrize("key", LIMITS)
@pytest.mark.parametrize("form", ["dense", "ragged", "lists"])
def test_an_id_out_of_range_names_its_feature_and_row(key: str, form: str) -> None:
    """Columns of several sizes are checked together."""
    layer = tfrs_afm.FieldEmbedding(
        [
            fc.embedding_column(fc.categorical_column_with_identity(name, limit), 2)
            for name, limit in LIMITS.items()
        ]
    )
    rows = {name: [[0], [1], [limit - 1], [2]] for name, limit in LIMITS.items()}
    if form == "lists":
        rows = {name: [*lists[:-1], [2, 1, 0]] for name, lists in rows.items()}
    rows[key][2] = [LIMITS[key]]
    features = {
        name: tf.constant(lists, tf.int64)
        if form == "dense"
        else tf.ragged.constant(lists, tf.int64)
        for name, lists in rows.items()
    }
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        tf.function(layer)(features)
    text = " ".join(str(error.value).replace("\n", " ").split())
    assert f"`{key}` must be below num_buckets={LIMITS[key]}" in text
    assert f"[{LIMITS[key]}]" in text or f" {LIMITS[key]} " in text
    assert "in row] [2]" in text or "in row 2" in text or "\\'in row\\' 2" in text


def test_padding_is_no_id_of_any_column() -> None:
    """-1 and "" are padding also where a column would make an id of them."""
    hashed = fc.categorical_column_with_hash_bucket("n", 9, tf.int64)
    known = fc.categorical_column_with_identity("m", 9, default_value=4)
    words = fc.categorical_column_with_hash_bucket("w", 9)
    layer = tfrs_afm.FieldEmbedding([fc.embedding_column(one, 2) for one in (hashed, known, words)])
    numbers = tf.constant([3, -1], tf.int64)
    features = {"n": numbers, "m": numbers, "w": tf.constant(["", "x"])}
    assert layer(features).mask.numpy().tolist() == [[True, True, False], [False, False, True]]
    with layer.stacked():
        mask = tf.function(lambda given: layer(given).mask)(features)
    assert mask.numpy().tolist() == [[True, True, False], [False, False, True]]


def test_tables_that_are_no_plain_rows_are_looked_up_by_themselves_when_stacked() -> None:
    names = ["plain", "clipped", "composed"]
    columns = [
        fc.embedding_column(
            fc.categorical_column_with_identity(name, 20),
            4,
            max_norm=0.1 if name == "clipped" else None,
        )
        for name in names
    ]
    tables = {"composed_embedding": tfrs_afm.embeddings.QuotientRemainderTable(20, 4)}
    layer = tfrs_afm.FieldEmbedding(columns, tables=tables)
    features = {name: tf.constant([3, 17, 0]) for name in names}
    expected = layer(features)
    with layer.stacked():
        for one, other in zip(tf.function(layer)(features), expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)


@pytest.mark.parametrize("rows", [[], [[]], [[1, 2], [], [8]], [[1, -1], [-1], [0, -1, 8]]])
def test_stacked_lists_are_pooled_as_training_pools_them(rows: list[list[int]]) -> None:
    """Without examples, without ids, all of them known, and some of them not."""
    names = ["a", "b"]
    columns = [fc.sequence_categorical_column_with_identity(name, 9) for name in names]
    made = [
        fc.embedding_column(column, 4, combiner=combiner)
        for column, combiner in zip(columns, ("mean", "sqrtn"), strict=True)
    ]
    layer = tfrs_afm.FieldEmbedding(made)
    layer({name: tf.ragged.constant([[1]], tf.int64) for name in names})
    for weight in layer.weights:
        weight.assign(tf.random.stateless_normal(weight.shape, [1, 2]))
    features = {"a": tf.ragged.constant(rows, tf.int64, ragged_rank=1)}
    features["b"] = features["a"][::-1] if rows else features["a"]
    expected = layer(features)
    specs = {name: tf.RaggedTensorSpec([None, None], tf.int64, 1) for name in names}
    with layer.stacked():
        found = tf.function(lambda given: layer(given), [specs])(features)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def operations(columns: int, *, stacked: bool) -> int:
    layer = tfrs_afm.FieldEmbedding(
        [
            *(
                fc.embedding_column(fc.categorical_column_with_identity(f"c{i}", 9), 2)
                for i in range(columns)
            ),
            *(fc.numeric_column(f"n{i}") for i in range(columns)),
        ]
    )
    features = {f"c{i}": tf.constant([1, 2]) for i in range(columns)}
    features |= {f"n{i}": tf.constant([[1.0], [2.0]]) for i in range(columns)}
    layer(features)
    specs = {key: tf.TensorSpec([None, *one.shape[1:]], one.dtype) for key, one in features.items()}
    if stacked:
        with layer.stacked():
            graph = tf.function(lambda given: layer(given)).get_concrete_function(specs).graph
    else:
        graph = tf.function(lambda given: layer(given)).get_concrete_function(specs).graph
    kinds_of = collections.Counter(node.op for node in graph.as_graph_def().node)
    for name in ("Const", "Placeholder", "Identity", "NoOp"):
        del kinds_of[name]
    return kinds_of.total()


@pytest.mark.parametrize(("stacked", "most"), [(False, 11), (True, 6)])
def test_a_column_more_costs_a_few_operations(stacked: bool, most: int) -> None:
    """One categorical and one numeric column: their shapes, and the rows of their tables."""
    few, many = operations(4, stacked=stacked), operations(8, stacked=stacked)
    assert (many - few) / 4 <= most


def test_float16_keeps_numbers_that_it_could_not_hold() -> None:
    """A price of 70000 is infinite in float16; times its vector it need not be."""
    price = fc.numeric_column("price")
    weights = tfrs_afm.sequence_weighted_categorical_column(
        fc.sequence_categorical_column_with_identity("seen", 3), "paid"
    )
    layer = tfrs_afm.FieldEmbedding(
        [price, fc.sequence_numeric_column("prices"), fc.embedding_column(weights, 2)],
        2,
        dtype="mixed_float16",
    )
    features = {
        "price": tf.constant([[70000.0]]),
        "prices": tf.ragged.constant([[70000.0, 90000.0]]).to_sparse(),
        "seen": tf.constant([[1, 2]], tf.int64),
        "paid": tf.constant([[70000.0, 80000.0]]),
    }
    wide = tfrs_afm.FieldEmbedding.from_config({**layer.get_config(), "dtype": "float32"})
    layer.build(None)
    wide.build(None)
    for one, other in zip(layer.weights, wide.weights, strict=True):
        one.assign(tf.random.stateless_uniform(one.shape, [1, 2], 0.01, 0.5))
        other.assign(one)
    found = layer(features)
    assert found.vectors.dtype == tf.float16
    for part in ("vectors", "linear"):
        np.testing.assert_allclose(getattr(found, part), getattr(wide(features), part), rtol=2e-3)


def test_a_product_that_float16_cannot_hold_names_its_feature() -> None:
    layer = tfrs_afm.FieldEmbedding(
        [fc.numeric_column("age"), fc.numeric_column("price")], 2, dtype="mixed_float16"
    )
    features = {"age": tf.constant([[30.0]]), "price": tf.constant([[70000.0]])}
    layer.build(None)
    for weight in layer.weights:
        weight.assign(tf.ones_like(weight))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"(?s)price.*normalizer_fn"):
        layer(features)


def test_a_column_may_end_as_linear_weights_do_but_not_be_called_as_those_of_another() -> None:
    names = ["a", "b/linear"]
    layer = tfrs_afm.FieldEmbedding([fc.numeric_column(name) for name in names], 2)
    features = {name: tf.constant([[2.0], [3.0]]) for name in names}
    expected = layer(features)
    with layer.stacked():
        for one, other in zip(tf.function(layer)(features), expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    with pytest.raises(ValueError, match="must not be called as the linear weights of another"):
        tfrs_afm.FieldEmbedding([fc.numeric_column("a"), fc.numeric_column("a/linear")], 2)
