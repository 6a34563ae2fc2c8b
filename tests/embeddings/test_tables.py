import pathlib
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from tfrs_afm import embeddings
from tfrs_afm.columns.serialization import deserialize_columns

fc = tf.feature_column


@pytest.mark.parametrize("operation", ["multiply", "add"])
def test_quotient_remainder_rows_are_composed_and_all_different(operation: str) -> None:
    table = embeddings.QuotientRemainderTable(100, 4, num_remainders=7, operation=operation)
    rows = table(tf.range(100, dtype=tf.int64)).numpy()
    q, r = table.quotients.numpy(), table.remainders.numpy()
    for i in range(100):
        parts = (q[i // 7], r[i % 7])
        expected = parts[0] * parts[1] if operation == "multiply" else parts[0] + parts[1]
        np.testing.assert_allclose(rows[i], expected, rtol=1e-6)
    assert len(np.unique(rows.round(6), axis=0)) == 100
    assert sum(int(np.prod(w.shape)) for w in table.weights) == table.num_parameters


def test_a_given_table_takes_the_place_of_the_columns_and_keeps_its_config() -> None:
    user = fc.categorical_column_with_hash_bucket("user", 10_000, tf.int64)
    table = embeddings.QuotientRemainderTable(10_000, 4)
    layer = tfrs_afm.FieldEmbedding(
        [fc.embedding_column(user, 4)], tables={"user_embedding": table}
    )
    features = {"user": tf.constant([[1], [2]])}
    expected = layer(features).vectors
    assert sum(int(tf.size(w)) for w in layer.weights) == 2 * 100 * 4 + 2 * 100
    clone = tfrs_afm.FieldEmbedding.from_config(layer.get_config())
    clone(features)
    clone.set_weights(layer.get_weights())
    np.testing.assert_allclose(clone(features).vectors, expected)


def test_two_layers_can_share_their_tables() -> None:
    seen = fc.sequence_categorical_column_with_identity("seen", 9)
    columns = [fc.embedding_column(seen, 4)]
    pooled = tfrs_afm.FieldEmbedding(columns)
    single = tfrs_afm.IdEmbedding(columns, tables=pooled.tables)
    features = {"seen": tf.ragged.constant([[1, 2], [3]], tf.int64)}
    mean = tf.reduce_mean(single(features).vectors[0], axis=0)
    np.testing.assert_allclose(pooled(features).vectors[0, 0], mean, rtol=1e-6)
    assert {id(w) for w in single.weights} == {id(w) for w in pooled.weights}


@tf.keras.utils.register_keras_serializable(package="tests")
class TwoViews(tf.keras.Model):
    """Pooled and single ids over the same tables, both made from the columns."""

    def __init__(self, columns: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pooled = tfrs_afm.FieldEmbedding(columns)
        self.single = tfrs_afm.IdEmbedding(columns, tables=self.pooled.tables)

    def call(self, features: dict[str, Any]) -> Any:
        both = self.pooled(features), self.single(features)
        return tf.concat([tf.reduce_sum(one.vectors, axis=1) for one in both], axis=1)

    def get_config(self) -> dict[str, Any]:
        return {"columns": self.pooled.get_config()["columns"]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "TwoViews":
        return cls(deserialize_columns(config["columns"]))

    def get_build_config(self) -> dict[str, Any]:
        return {"built_from": "features"}

    def build_from_config(self, config: dict[str, Any]) -> None:
        self({"seen": tf.ragged.constant([[1, 2], [3]], tf.int64)})


def two_views() -> tuple[TwoViews, dict[str, Any]]:
    seen = fc.sequence_categorical_column_with_identity("seen", 9)
    column = fc.embedding_column(seen, 4, initializer=tf.keras.initializers.RandomNormal())
    return TwoViews([column]), {"seen": tf.ragged.constant([[1, 2], [3]], tf.int64)}


def test_a_layer_that_shares_tables_refuses_to_be_a_configuration_that_loses_them() -> None:
    model, _ = two_views()
    with pytest.raises(NotImplementedError, match=r"`tables` must be a layer's own .*'field_embed"):
        model.single.get_config()
    assert model.pooled.get_config()["tables"] == {}


def test_a_model_that_makes_both_layers_keeps_their_tables_shared(tmp_path: pathlib.Path) -> None:
    model, features = two_views()
    expected = model(features)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(features), expected)
    for name, table in loaded.pooled.tables.items():
        assert loaded.single.tables[name] is table


@pytest.mark.long
def test_layers_that_share_tables_are_exported(tmp_path: pathlib.Path) -> None:
    model, features = two_views()
    module = tf.Module()
    module.model, expected = model, model(features)
    spec = {"seen": tf.RaggedTensorSpec([None, None], tf.int64)}
    module.serve = tf.function(model.call, input_signature=[spec])
    tf.saved_model.save(module, str(tmp_path / "exported"))
    loaded = tf.saved_model.load(str(tmp_path / "exported"))
    np.testing.assert_allclose(loaded.serve(features), expected)


@pytest.mark.parametrize(
    ("tables", "text"),
    [
        (
            {"ids_embedding": embeddings.QuotientRemainderTable(5, 4)},
            "`tables` must fit their columns. Received: tables with 5 x 4 for table",
        ),
        (
            {"other": embeddings.QuotientRemainderTable(9, 4)},
            "`tables` must be tables of the columns. Received: tables with ['other'].",
        ),
    ],
)
def test_tables_that_do_not_fit_are_refused(tables: dict, text: str) -> None:
    ids = fc.categorical_column_with_identity("ids", 9)
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is compared below
        tfrs_afm.FieldEmbedding([fc.embedding_column(ids, 4)], tables=tables)
    assert str(error.value).startswith(text)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"operation": "concat"}, "`operation` must be 'multiply' or 'add'."),
        ({"num_remainders": 0}, "`num_remainders` must be positive."),
    ],
)
def test_wrong_arguments_of_a_compositional_table_are_named(arguments: dict, text: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is compared below
        embeddings.QuotientRemainderTable(9, 4, **arguments)
    assert str(error.value).startswith(text)


def test_rows_come_from_the_checkpoint_a_column_names(tmp_path: pathlib.Path) -> None:
    rows = tf.Variable(np.arange(12, dtype=np.float32).reshape(6, 2))
    path = tf.train.Checkpoint(rows=rows).write(str(tmp_path / "trained"))
    (name,) = [n for n, _ in tf.train.list_variables(path) if n.startswith("rows")]
    column = fc.embedding_column(
        fc.categorical_column_with_identity("ids", 6), 2, ckpt_to_load_from=path,
        tensor_name_in_ckpt=name,
    )  # fmt: skip
    layer = tfrs_afm.FieldEmbedding([column])
    np.testing.assert_array_equal(layer({"ids": tf.constant([[4]])}).vectors[0, 0], [8.0, 9.0])
    wrong = fc.embedding_column(
        fc.categorical_column_with_identity("ids", 7), 2, ckpt_to_load_from=path,
        tensor_name_in_ckpt=name,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"must hold rows of the table's shape.*\(6, 2\)"):
        tfrs_afm.FieldEmbedding([wrong])({"ids": tf.constant([[4]])})


def test_initializer_and_trainable_of_a_column_are_honoured() -> None:
    column = fc.embedding_column(
        fc.categorical_column_with_identity("ids", 6),
        2,
        initializer=tf.keras.initializers.Constant(3.0),
        trainable=False,
    )
    layer = tfrs_afm.FieldEmbedding([column])
    assert layer({"ids": tf.constant([[4]])}).vectors.numpy().tolist() == [[[3.0, 3.0]]]
    assert [w.shape[1] for w in layer.trainable_variables] == [1]


def test_a_checkpoint_finds_its_rows_by_name_after_columns_are_reordered(
    tmp_path: pathlib.Path,
) -> None:
    names = ["user", "film"]
    columns = [fc.embedding_column(fc.categorical_column_with_identity(n, 9), 4) for n in names]
    features = {n: tf.constant([[i + 1]]) for i, n in enumerate(names)}
    model = tfrs_afm.models.AFM(columns, attention_units=4)
    expected = model(features)
    path = tf.train.Checkpoint(model=model).write(str(tmp_path / "saved"))
    other = tfrs_afm.models.AFM(columns[::-1], attention_units=4)
    other(features)
    tf.train.Checkpoint(model=other).read(path).assert_existing_objects_matched()
    np.testing.assert_allclose(other(features), expected, rtol=1e-6)


def test_the_initializer_of_an_embedding_column_is_saved_without_a_warning() -> None:
    column = fc.embedding_column(fc.categorical_column_with_identity("film", 5), 4)
    table = next(iter(tfrs_afm.FieldEmbedding([column]).tables.values()))
    config = table.get_config()  # warnings are errors
    assert config["initializer"]["class_name"] == "TruncatedNormal"
    assert type(table).from_config(config).initializer.stddev == 0.5
