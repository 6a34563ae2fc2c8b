import pathlib

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
BOUNDS = [-1.0, 0.5, 2.0, 10.0]


def interpolated(number: float, values: np.ndarray) -> np.ndarray:
    """The mix of the two rows around a number, each element by itself."""
    return np.stack([np.interp(number, BOUNDS, column) for column in values.T])


def test_a_piecewise_linear_field_is_interpolated_between_its_bounds() -> None:
    column = tfrs_afm.piecewise_linear_column(fc.numeric_column("x"), BOUNDS)
    embed = tfrs_afm.FieldEmbedding([fc.embedding_column(column, 3)])
    numbers = [-7.0, -1.0, 0.1, 0.5, 1.7, 9.99, 10.0, 1e9]
    fields = embed({"x": tf.constant(numbers)[:, tf.newaxis]})
    tables = {name: table.weights[0].numpy() for name, table in embed.tables.items()}
    for row, number in enumerate(numbers):
        for name, found in (("", fields.vectors[row, 0]), ("/linear", fields.linear[row])):
            table = tables[f"x_piecewise_linear_embedding{name}"]
            np.testing.assert_allclose(found, interpolated(number, table), atol=1e-6)
    assert fields.mask.numpy().all()


def test_a_missing_number_is_no_member_of_a_piecewise_linear_field() -> None:
    column = tfrs_afm.piecewise_linear_column(fc.numeric_column("x"), BOUNDS)
    embed = tfrs_afm.FieldEmbedding([fc.embedding_column(column, 3)])
    fields = embed({"x": tf.constant([[np.nan], [1.0]])})
    assert fields.mask.numpy().tolist() == [[False], [True]]
    assert not fields.vectors[0].numpy().any()


@pytest.mark.parametrize(
    ("source", "boundaries", "error", "message"),
    [
        (lambda: fc.sequence_numeric_column("x"), [1, 2], TypeError, "must be a numeric column"),
        (lambda: fc.numeric_column("x", (2,)), [1, 2], ValueError, r"must have shape \(1,\)"),
        (lambda: fc.numeric_column("x"), [1], ValueError, "must be two or more and ascend"),
        (lambda: fc.numeric_column("x"), [1, 1], ValueError, r"Received: boundaries=\[1, 1\]"),
    ],
)
def test_what_cannot_be_interpolated_is_told(
    source: object, boundaries: list, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        tfrs_afm.piecewise_linear_column(source(), boundaries)


@pytest.mark.parametrize("log", [False, True])
def test_a_normalizer_shifts_and_scales(log: bool) -> None:
    numbers = np.array([-3.0, 0.0, 0.5, 100.0])
    bent = np.sign(numbers) * np.log(1 + np.abs(numbers)) if log else numbers
    found = tfrs_afm.Normalizer(2.0, 4.0, log=log)(tf.constant(numbers, tf.float64))
    np.testing.assert_allclose(found, (bent - 2.0) / 4.0, rtol=1e-6)


def test_a_normalizer_does_sequences_and_whole_numbers_too() -> None:
    days = fc.sequence_numeric_column("days", normalizer_fn=tfrs_afm.Normalizer(1.0, 2.0))
    embed = tfrs_afm.FieldEmbedding([days], dim=2)
    fields = embed({"days": tf.ragged.constant([[3.0, 5.0], [1.0]])})
    row = embed.tables["days"].weights[0].numpy()[0]
    np.testing.assert_allclose(fields.vectors[0, 0], row * (1.0 + 2.0) / 2, rtol=1e-5)
    assert tfrs_afm.Normalizer(1.0, 2.0)(tf.constant([3], tf.int64)).numpy().tolist() == [1.0]


def test_a_normalizer_that_divides_by_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="`scale` must not be 0"):
        tfrs_afm.Normalizer(1.0, 0.0)


def test_a_saved_model_keeps_the_numbers_of_its_normalizer(tmp_path: pathlib.Path) -> None:
    columns = [
        fc.numeric_column("age", normalizer_fn=tfrs_afm.Normalizer(3.5, 1.25, log=True)),
        fc.embedding_column(tfrs_afm.piecewise_linear_column(fc.numeric_column("x"), BOUNDS), 4),
    ]
    model = tfrs_afm.models.AFM(columns, attention_units=4)
    features = {"age": tf.constant([[30.0], [0.0]]), "x": tf.constant([[0.3], [5.0]])}
    expected = model(features).numpy()
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(loaded(features), expected)
    assert loaded.columns[0].normalizer_fn == tfrs_afm.Normalizer(3.5, 1.25, log=True)


def test_a_bucketized_column_of_the_same_bounds_is_another_column() -> None:
    """TensorFlow keeps what it computed by column, and columns compare as tuples."""
    number = fc.numeric_column("x")
    buckets = fc.bucketized_column(number, BOUNDS)
    line = tfrs_afm.piecewise_linear_column(number, BOUNDS)
    assert buckets != line
    embed = tfrs_afm.FieldEmbedding([fc.embedding_column(c, 2) for c in (buckets, line)])
    assert embed({"x": tf.constant([[1.0]])}).vectors.shape == (1, 2, 2)
