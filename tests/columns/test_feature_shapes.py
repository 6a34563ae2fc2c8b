"""Features of another width or batch size than they should have; rows were cut anew in silence."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
zeros = np.zeros


def ones(*shape: int) -> Any:
    return np.ones(shape, np.int64)


def ids(name: str) -> Any:
    return fc.embedding_column(fc.categorical_column_with_identity(name, 9), 4)


def weighted(*, sequence: bool = False) -> Any:
    if sequence:
        seen = fc.sequence_categorical_column_with_identity("a", 9)
        return fc.embedding_column(tfrs_afm.sequence_weighted_categorical_column(seen, "w"), 4)
    column = fc.weighted_categorical_column(fc.categorical_column_with_identity("a", 9), "w")
    return fc.embedding_column(column, 4)


NUMBER, PAIR = fc.numeric_column("n"), fc.numeric_column("n", shape=(2,))
SQUARE, PLACES = fc.numeric_column("n", shape=(2, 2)), fc.sequence_numeric_column("n", shape=(2,))
PIECES = fc.embedding_column(tfrs_afm.piecewise_linear_column(NUMBER, [0.0, 1.0, 2.0]), 4)
CROSSED = fc.embedding_column(
    fc.crossed_column([fc.bucketized_column(NUMBER, [0.0, 1.0]), "word"], 9), 4
)
WIDTHS = {
    "a scalar, three numbers": (NUMBER, {"n": zeros([2, 3])}),
    "a pair, three numbers": (PAIR, {"n": zeros([2, 3])}),
    "a pair, three numbers, even in all": (PAIR, {"n": zeros([4, 3])}),
    "a pair, a flat batch": (PAIR, {"n": zeros([4])}),
    "a pair, one number": (PAIR, {"n": zeros([4, 1])}),
    "a square, two numbers": (SQUARE, {"n": zeros([4, 2])}),
    "a square, two by three": (SQUARE, {"n": zeros([4, 2, 3])}),
    "buckets of one": (fc.bucketized_column(NUMBER, [0.0]), {"n": zeros([2, 3])}),
    "buckets of a pair": (fc.bucketized_column(PAIR, [0.0]), {"n": zeros([2, 3])}),
    "piecewise": (PIECES, {"n": zeros([2, 3])}),
    "buckets that are crossed": (CROSSED, {"n": zeros([2, 3]), "word": np.array([["x"], ["y"]])}),
    "a sequence of pairs, three numbers": (PLACES, {"n": zeros([2, 3])}),
    "a sequence of pairs, places of three": (PLACES, {"n": zeros([2, 2, 3])}),
}
FIT = {
    "a flat batch of one number": (NUMBER, {"n": zeros([3])}),
    "one number": (NUMBER, {"n": zeros([3, 1])}),
    "a pair": (PAIR, {"n": zeros([3, 2])}),
    "a square": (SQUARE, {"n": zeros([3, 2, 2])}),
    "a flat square": (SQUARE, {"n": zeros([3, 4])}),
    "a sequence of pairs": (PLACES, {"n": zeros([3, 4])}),
    "a sequence of pairs, by places": (PLACES, {"n": zeros([3, 2, 2])}),
    "no rows": (PAIR, {"n": zeros([0, 2])}),
}
NEIGHBOURS = {
    "numbers": ([NUMBER, fc.numeric_column("m")], {"n": zeros([3, 1]), "m": zeros([2, 1])}),
    "ids": ([ids("a"), ids("b")], {"a": ones(3, 1), "b": ones(2, 1)}),
    "flat ids": ([ids("a"), ids("b")], {"a": ones(3), "b": ones(2)}),
    "one row for many": ([ids("a"), ids("b")], {"a": ones(1, 1), "b": ones(4, 1)}),
    "a number and ids": ([NUMBER, ids("a")], {"n": zeros([3, 1]), "a": ones(2, 2)}),
    "crossed": ([CROSSED], {"n": zeros([3, 1]), "word": np.array([["x"], ["y"]])}),
    "weights": ([weighted()], {"a": ones(2, 2), "w": zeros([3, 2]) + 1}),
    "weights of a sequence": ([weighted(sequence=True)], {"a": ones(2, 2), "w": zeros([3, 2]) + 1}),
}
VIEWS = {
    "field": tfrs_afm.FieldEmbedding,
    "id": tfrs_afm.IdEmbedding,
    "column": tfrs_afm.SequenceEmbedding,
}
FORMS = ["eager", "known in the graph", "known when it runs", "sparse", "sparse in a graph"]


def runs(cases: dict) -> list:
    """Every form at field level, one in the other views; only what the columns take at all."""
    found = []
    for name, (columns, features) in cases.items():
        columns = columns if isinstance(columns, list) else [columns]
        plain = any(type(one).__name__ == "NumericColumn" for one in columns)
        numeric = "n" in features and columns != [PLACES]  # sparse numbers are refused as such
        for view, form in [
            *(("field", form) for form in FORMS),
            ("id", "known when it runs"),
            ("column", "known when it runs"),
        ]:
            if not (view == "column" and plain) and not (form.startswith("sparse") and numeric):
                found.append(pytest.param(name, form, view, id=f"{name}, {view}, {form}"))
    return found


def fed(layer: Any, features: dict, form: str) -> Any:
    """Feeds it as people do: eagerly, from a data set of fixed shapes, from one of any shapes."""
    given = {
        name: tf.constant(one, tf.float32 if one.dtype == float else None)
        for name, one in features.items()
    }
    if form.startswith("sparse"):
        given = {name: everything(one) for name, one in given.items()}
    if form in ("eager", "sparse"):
        return layer(given)
    specs = {name: tf.type_spec_from_value(one) for name, one in given.items()}
    if form != "known in the graph":
        specs = {
            name: tf.SparseTensorSpec([None] * one.shape.rank, one.dtype)
            if isinstance(one, tf.SparseTensorSpec)
            else tf.TensorSpec([None] * one.shape.rank, one.dtype)
            for name, one in specs.items()
        }
    return tf.function(layer.call, input_signature=[specs])(given)


def everything(dense: Any) -> Any:
    indices = tf.where(tf.ones(dense.shape, tf.bool))
    shape = tf.shape(dense, tf.int64)
    return tf.SparseTensor(indices, tf.reshape(dense, [-1]), shape)


@pytest.mark.matrix
@pytest.mark.parametrize(("case", "form", "view"), runs(WIDTHS))
def test_another_width_than_the_columns_names_the_feature(case: str, form: str, view: str) -> None:
    """`numeric_column("n", shape=(2,))` fed (2, 3) gave 3 rows of a batch of 2."""
    column, features = WIDTHS[case]
    layer = VIEWS[view]([column], 4)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)) as error:
        fed(layer, features, form)
    text = " ".join(str(error.value).replace("[", " ").replace("]", " ").split())
    assert "`n` must have the shape of its column" in text
    assert "n of shape" in text


@pytest.mark.matrix
@pytest.mark.parametrize(("case", "form", "view"), runs(FIT))
def test_the_columns_own_width_gives_a_row_for_each(case: str, form: str, view: str) -> None:
    column, features = FIT[case]
    found = fed(VIEWS[view]([column], 4), features, form)
    embedded = found.embeddings[column.name] if view == "column" else found.vectors
    assert embedded.shape[0] == len(features["n"])


@pytest.mark.matrix
@pytest.mark.parametrize(("case", "form", "view"), runs(NEIGHBOURS))
def test_another_number_of_rows_than_the_neighbours_names_both(
    case: str, form: str, view: str
) -> None:
    columns, features = NEIGHBOURS[case]
    layer = VIEWS[view](columns, 4)
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)) as error:
        fed(layer, features, form)
    text = str(error.value).replace("\\'", "'")
    assert "`features` must have one number of rows. Received:" in text
    for name, rows in features.items():
        assert name in text
        assert str(len(rows)) in text


@pytest.mark.matrix
@pytest.mark.parametrize("form", FORMS[:3])
@pytest.mark.parametrize("width", [1, 3])
def test_dense_values_of_another_length_than_their_ids_are_refused(width: int, form: str) -> None:
    """Values beyond the last id were left out without a word."""
    layer = tfrs_afm.FieldEmbedding([weighted(sequence=True)])
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)) as error:
        fed(layer, {"a": ones(2, 2), "w": zeros([2, width]) + 1}, form)
    assert "`w` must have one value per id" in str(error.value)


def test_flat_values_stand_beside_flat_ids() -> None:
    column = weighted(sequence=True)
    found = tfrs_afm.IdEmbedding([column])({"a": ones(3), "w": tf.constant([1.0, 2.0, 3.0])})
    np.testing.assert_allclose(found.vectors[2, 0], 3 * found.vectors[0, 0], rtol=1e-6)


@pytest.mark.long
def test_a_model_that_was_right_once_refuses_the_next_batch() -> None:
    """Keras relaxes what it knows of shapes from call to call."""
    model = tfrs_afm.models.AFM([PAIR, fc.numeric_column("m")], 4, dim=4)
    model.predict({"n": zeros([4, 2]), "m": zeros([4, 1])}, verbose=0)
    for bad in (zeros([4, 3]), zeros([8]), zeros([4, 4])):
        data = tf.data.Dataset.from_tensors({"n": bad, "m": zeros([4, 1])})
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="must have the sh"):
            model.predict(data, verbose=0)


@pytest.mark.parametrize("view", VIEWS)
def test_unsigned_ids_of_64_bits_name_the_feature(view: str) -> None:
    """Python raised a SystemError."""
    with pytest.raises(TypeError, match=r"`a` must not be of uint64.*Cast it to int64"):
        VIEWS[view]([ids("a")])({"a": np.ones([2, 1], np.uint64)})
