import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from tests.columns import kinds

pytestmark = pytest.mark.long


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_kind_survives_serialization_and_gives_the_same_vectors(
    kind: str, tmp_path: pathlib.Path
) -> None:
    column = kinds.columns(tmp_path)[kind]
    layer = tfrs_afm.FieldEmbedding([column], kinds.DIM)
    expected = layer(kinds.features())
    json.dumps(layer.get_config())
    clone = tfrs_afm.FieldEmbedding.from_config(layer.get_config())
    clone(kinds.features())
    clone.set_weights(layer.get_weights())
    for ours, theirs in zip(clone(kinds.features()), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert (
        tfrs_afm.feature_schema([column])["hash"] == tfrs_afm.feature_schema(clone.columns)["hash"]
    )


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_kind_is_pooled_as_its_single_ids_say(kind: str, tmp_path: pathlib.Path) -> None:
    """The two views agree: pooling what IdEmbedding gives is what FieldEmbedding gives."""
    column = kinds.columns(tmp_path)[kind]
    pooled = tfrs_afm.FieldEmbedding([column], kinds.DIM)
    single = tfrs_afm.IdEmbedding([column], kinds.DIM, tables=pooled.tables)
    fields, ids = pooled(kinds.features()), single(kinds.features())
    np.testing.assert_array_equal(fields.mask[:, 0], tf.reduce_any(ids.mask, axis=1))
    if kind in ("weighted", "piecewise_linear", "sequence_weighted", "crossed", "identity"):
        return  # several ids at one place, or a mean by values: pinned down in their own tests
    total = tf.reduce_sum(ids.vectors, axis=1)
    field = pooled.fields[0]
    if field.combiner == "mean" and kind not in ("numeric", "numeric_pair"):
        count = tf.reduce_sum(tf.cast(ids.mask, tf.float32), axis=1, keepdims=True)
        total = tf.math.divide_no_nan(total, count)
    np.testing.assert_allclose(fields.vectors[:, 0], total, rtol=1e-5, atol=1e-6)


def test_all_kinds_train_together_in_one_model(tmp_path: pathlib.Path) -> None:
    columns, taken = [], set()
    for column in kinds.columns(tmp_path).values():
        if column.name not in taken:  # some kinds over one feature have one name
            taken.add(column.name)
            columns.append(column)
    model = tfrs_afm.models.AFM(columns, attention_units=4)
    model.compile(tf.keras.optimizers.Adagrad(0.3))
    data = tf.data.Dataset.from_tensors((kinds.features(), tf.constant([0.0, 1.0, 1.0, 0.0])))
    history = model.fit(data.repeat(20), epochs=1, verbose=0).history
    assert history["loss"][0] < 0.6
    assert len(columns) == 15


def test_values_multiply_the_vectors_of_a_weighted_sequence(tmp_path: pathlib.Path) -> None:
    column = kinds.columns(tmp_path)["sequence_weighted"]
    layer = tfrs_afm.FieldEmbedding([column])
    vectors = layer(kinds.features()).vectors.numpy()[:, 0]
    table = layer.tables[column.name].embedding_weights.numpy()
    for row, (ids, values) in enumerate(zip(kinds.INTS, kinds.FLOATS, strict=True)):
        total = sum((x * table[i] for i, x in zip(ids, values, strict=True)), np.zeros(kinds.DIM))
        np.testing.assert_allclose(vectors[row], total / (sum(values) or 1), rtol=1e-5, atol=1e-6)


def test_dense_values_stand_beside_dense_ids(tmp_path: pathlib.Path) -> None:
    column = kinds.columns(tmp_path)["sequence_weighted"]
    layer = tfrs_afm.FieldEmbedding([column])
    sparse = kinds.features()
    dense = {
        "ints": tf.constant([[1, 4, -1], [-1] * 3, [2, 2, 0], [5, -1, -1]], tf.int64),
        "floats": tf.sparse.to_dense(sparse["floats"]),
    }
    np.testing.assert_allclose(layer(dense).vectors, layer(sparse).vectors, rtol=1e-6)


@pytest.mark.parametrize("kind", ["weighted", "sequence_weighted"])
def test_values_of_another_length_than_their_ids_name_feature_and_row(
    kind: str, tmp_path: pathlib.Path
) -> None:
    layer = tfrs_afm.FieldEmbedding([kinds.columns(tmp_path)[kind]])
    features = kinds.features()
    features["floats"] = kinds.ragged([[0.5, 2.0], [], [3.0], [2.5]], tf.float32).to_sparse()
    run = tf.function(layer)
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        run(features)
    text = " ".join(str(error.value).replace("\\'", "'").split())
    assert "`floats` must have one value per id. Received for field 'ints_weighted_by" in text
    assert "in row] [2]" in text or "in row 2" in text


def test_a_member_whose_value_is_zero_is_no_member() -> None:
    fc = tf.feature_column
    ids = fc.sequence_categorical_column_with_identity("ints", 6)
    weighted = tfrs_afm.sequence_weighted_categorical_column(ids, "floats")
    layer = tfrs_afm.FieldEmbedding([fc.embedding_column(weighted, 2)])
    features = {
        "ints": tf.ragged.constant([[1, 2], [3]], tf.int64),
        "floats": tf.ragged.constant([[0.0, 2.0], [0.0]]),
    }
    fields = layer(features)
    assert fields.mask.numpy().tolist() == [[True], [False]]
    table = layer.tables["ints_weighted_by_floats_embedding"].embedding_weights
    np.testing.assert_allclose(fields.vectors[0, 0], table[2], rtol=1e-6)


def test_crossed_sequences_hash_as_tensorflow_crosses_single_ids() -> None:
    fc = tf.feature_column
    parts = [fc.sequence_categorical_column_with_identity(n, 9) for n in ("a", "b")]
    crossed = tfrs_afm.sequence_crossed_column(parts, 50)
    plain = fc.crossed_column([fc.categorical_column_with_identity(n, 9) for n in ("a", "b")], 50)
    cache = tf.__internal__.feature_column.FeatureTransformationCache
    rows = {"a": tf.constant([[1, 2]], tf.int64), "b": tf.constant([[3, 4]], tf.int64)}
    ours = crossed.get_sparse_tensors(cache(rows), None)[0].values.numpy()
    for place in range(2):
        one = {name: ids[:, place : place + 1] for name, ids in rows.items()}
        theirs = plain.get_sparse_tensors(cache(one), None).id_tensor.values.numpy()
        assert theirs.tolist() == [ours[place]]


def test_crossed_sequences_must_have_ids_at_the_same_places() -> None:
    fc = tf.feature_column
    parts = [fc.sequence_categorical_column_with_identity(n, 9) for n in ("a", "b")]
    column = fc.embedding_column(tfrs_afm.sequence_crossed_column(parts, 50), 2)
    layer = tfrs_afm.FieldEmbedding([column])
    with pytest.raises(tf.errors.InvalidArgumentError, match="ids at the same places"):
        layer(
            {"a": tf.ragged.constant([[1, 2]], tf.int64), "b": tf.ragged.constant([[1]], tf.int64)}
        )


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (
            lambda fc: tfrs_afm.sequence_weighted_categorical_column(
                fc.categorical_column_with_identity("a", 3), "w"
            ),
            TypeError,
            "`categorical_column` must be a sequence categorical column.",
        ),
        (
            lambda fc: tfrs_afm.sequence_weighted_categorical_column(
                fc.sequence_categorical_column_with_identity("a", 3), "w", tf.string
            ),
            TypeError,
            "`dtype` must be a number's. Received: dtype=string.",
        ),
        (
            lambda fc: tfrs_afm.sequence_bucketized_column(fc.numeric_column("a"), [1.0]),
            TypeError,
            "`source_column` must be a sequence numeric column.",
        ),
        (
            lambda fc: tfrs_afm.sequence_bucketized_column(
                fc.sequence_numeric_column("a"), [2.0, 1.0]
            ),
            ValueError,
            "`boundaries` must ascend. Received: boundaries=[2.0, 1.0].",
        ),
        (
            lambda fc: tfrs_afm.sequence_crossed_column([fc.numeric_column("a")], 9),
            TypeError,
            "`keys` must be sequence categorical columns.",
        ),
        (
            lambda fc: tfrs_afm.sequence_crossed_column(
                [fc.sequence_categorical_column_with_identity("a", 3)], 9
            ),
            ValueError,
            "`keys` must be two or more.",
        ),
    ],
)
def test_wrong_arguments_of_our_columns_are_named(make: object, kind: type, text: str) -> None:
    with pytest.raises(kind) as error:
        make(tf.feature_column)  # type: ignore[operator]
    assert str(error.value).startswith(text)
