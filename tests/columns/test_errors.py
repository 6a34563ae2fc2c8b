import re
from typing import Any

import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column


def identity(name: str = "ids", buckets: int = 5) -> object:
    return fc.categorical_column_with_identity(name, buckets)


def test_columns_must_be_a_list() -> None:
    with pytest.raises(TypeError, match=r"`columns` must be a list of feature columns. Received"):
        tfrs_afm.FieldEmbedding(fc.numeric_column("x"))


def test_columns_must_not_be_empty() -> None:
    with pytest.raises(ValueError, match=re.escape("Received: columns=[].")):
        tfrs_afm.FieldEmbedding([])


@pytest.mark.parametrize(
    "column",
    [identity(), fc.sequence_categorical_column_with_identity("ids", 5)],
)
def test_a_categorical_column_without_embedding_is_refused(column: object) -> None:
    with pytest.raises(
        TypeError, match=r"for field 'ids'. Wrap it in `tf.feature_column.embedding"
    ):
        tfrs_afm.FieldEmbedding([column])


def test_an_unknown_combiner_is_refused_and_told_where_other_rules_are() -> None:
    column = fc.embedding_column(identity("film"), 4, combiner="max")
    with pytest.raises(ValueError, match=r"`combiner` must be one of mean, sqrtn, sum.*'max' for"):
        tfrs_afm.FieldEmbedding([column])


def test_two_columns_with_one_name_are_refused() -> None:
    columns = [fc.embedding_column(identity(), 4), fc.embedding_column(identity(), 4)]
    with pytest.raises(ValueError, match=r"must have different names.*for field 'ids_embedding'"):
        tfrs_afm.FieldEmbedding(columns)


def test_mixed_dimensions_are_refused() -> None:
    columns = [fc.embedding_column(identity("a"), 4), fc.embedding_column(identity("b"), 8)]
    with pytest.raises(ValueError, match=r"one dimension.*a_embedding 4, b_embedding 8"):
        tfrs_afm.FieldEmbedding(columns)


def test_columns_without_any_dimension_need_one() -> None:
    with pytest.raises(ValueError, match="`dim` must be given"):
        tfrs_afm.FieldEmbedding([fc.numeric_column("x")])


@pytest.mark.parametrize("other", ["word", identity("film"), None])
@pytest.mark.parametrize("wrap", [lambda one: fc.embedding_column(one, 4), fc.indicator_column])
def test_a_sequence_in_a_cross_is_refused_at_once(other: Any, wrap: Any) -> None:
    seen = fc.sequence_categorical_column_with_identity("seen", 5)
    other = other or fc.sequence_categorical_column_with_identity("bought", 5)
    column = wrap(fc.crossed_column([seen, other], 10))
    with pytest.raises(ValueError, match=r"`keys`.*'(seen|bought)' for field '.*_X_.*'"):
        tfrs_afm.FieldEmbedding([column], dim=4)


def test_a_missing_feature_is_named() -> None:
    layer = tfrs_afm.FieldEmbedding([fc.embedding_column(identity(), 4)])
    with pytest.raises(ValueError, match="without 'ids' for field 'ids_embedding'"):
        layer({"other": tf.constant([1])})


def test_an_id_past_the_last_bucket_names_feature_and_row() -> None:
    layer = tfrs_afm.FieldEmbedding([fc.embedding_column(identity("film"), 4)])
    with pytest.raises(tf.errors.InvalidArgumentError) as error:
        layer({"film": tf.constant([[1], [2], [99]])})
    text = str(error.value)
    assert "`film` must be below num_buckets=5. Received for field 'film_embedding'" in text
    assert re.search(r"99\s.*in row.*\s2\s", text, re.DOTALL)


def test_an_id_past_the_last_bucket_becomes_the_default_where_there_is_one() -> None:
    column = fc.categorical_column_with_identity("film", 5, default_value=0)
    layer = tfrs_afm.FieldEmbedding([fc.embedding_column(column, 4)])
    vectors = layer({"film": tf.constant([[0], [99]])}).vectors
    assert (vectors[0].numpy() == vectors[1].numpy()).all()


def test_a_negative_id_is_a_missing_member() -> None:
    layer = tfrs_afm.FieldEmbedding([fc.embedding_column(identity("film"), 4)])
    sparse = tf.sparse.from_dense(tf.constant([[-5], [2]], tf.int64))
    assert layer({"film": sparse}).mask.numpy().tolist() == [[False], [True]]


def test_an_unknown_word_is_masked_or_goes_to_its_bucket() -> None:
    def mask(**oov: int) -> list:
        words = fc.categorical_column_with_vocabulary_list("genre", ["a", "b"], **oov)
        layer = tfrs_afm.FieldEmbedding([fc.embedding_column(words, 4)])
        return layer({"genre": tf.constant([["a"], ["never seen"]])}).mask.numpy().tolist()

    assert mask() == [[True], [False]]
    assert mask(num_oov_buckets=1) == [[True], [True]]


def test_a_wrong_dtype_names_the_feature() -> None:
    layer = tfrs_afm.FieldEmbedding([fc.embedding_column(identity("film"), 4)])
    with pytest.raises(ValueError, match="film"):
        layer({"film": tf.constant([[1.5]])})


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (([], 4), ValueError, "`categorical_columns` must hold at least one column."),
        (([identity("a"), identity("b", 6)], 4), ValueError, "agree in `num_buckets`"),
        (([identity()], 0), ValueError, "`dimension` must be positive. Received: dimension=0."),
        (([identity()], 4, "max"), ValueError, "`combiner` must be one of mean, sqrtn, sum."),
        (([fc.numeric_column("x")], 4), TypeError, "must hold categorical columns"),
    ],
)
def test_shared_embeddings_refuses(arguments: tuple, kind: type, text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        tfrs_afm.shared_embeddings(*arguments)


def test_one_feature_read_in_two_ways_is_refused() -> None:
    columns = [fc.numeric_column("x"), fc.embedding_column(identity("x"), 4)]
    with pytest.raises(ValueError, match="feature 'x'"):
        tfrs_afm.parse_spec(columns)


IDS = {
    "identity": fc.categorical_column_with_identity("film", 5),
    "sequence": fc.sequence_categorical_column_with_identity("film", 5),
    "words": fc.categorical_column_with_vocabulary_list("film", ["1", "2"]),
    "numbers": fc.categorical_column_with_vocabulary_list("film", [1, 2]),
    "hash": fc.categorical_column_with_hash_bucket("film", 5),
    "hash of integers": fc.categorical_column_with_hash_bucket("film", 5, tf.int64),
}
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")


@pytest.mark.parametrize("kind", [*IDS, "number"])
def test_each_type_of_a_feature_is_read_or_an_error_that_names_it(kind: str) -> None:
    text = kind in ("words", "hash")
    read = ("string",) if text else INTEGERS
    column = fc.numeric_column("film")
    if kind != "number":
        column = fc.embedding_column(IDS[kind], 4)
    layer = tfrs_afm.FieldEmbedding([column], dim=4)
    for name in ("string", "bool", "float32", "float64", *INTEGERS, "uint64"):
        ones = tf.constant(["1", "1"]) if name == "string" else tf.cast([1, 1], name)
        takes = name in read or (kind == "number" and name in ("float32", "float64", "bool"))
        if takes:
            assert layer({"film": ones}).mask.numpy().all()
        else:
            with pytest.raises((TypeError, ValueError), match=r"(key|column_name): film|`film`"):
                layer({"film": ones})
