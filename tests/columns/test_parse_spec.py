import tensorflow as tf

import tfrs_afm

fc = tf.feature_column


def test_spec_parses_true_lists_and_defaults() -> None:
    history = fc.sequence_categorical_column_with_identity("history", 10)
    columns = [fc.embedding_column(history, 4), fc.numeric_column("age", default_value=30.0)]
    example = tf.train.Example()
    example.features.feature["history"].int64_list.value.extend([3, 4, 5])
    batch = [example.SerializeToString(), tf.train.Example().SerializeToString()]
    features = tf.io.parse_example(batch, tfrs_afm.parse_spec(columns))
    assert tf.sparse.to_dense(features["history"]).numpy().tolist() == [[3, 4, 5], [0, 0, 0]]
    assert features["age"].numpy().tolist() == [[30.0], [30.0]]
    mask = tfrs_afm.FieldEmbedding(columns)(features).mask
    assert mask.numpy().tolist() == [[True, True], [False, True]]


def test_spec_is_the_one_of_tensorflow() -> None:
    columns = [
        fc.embedding_column(fc.categorical_column_with_hash_bucket("a", 10), 4),
        fc.bucketized_column(fc.numeric_column("b"), [1.0]),
        fc.indicator_column(fc.categorical_column_with_vocabulary_list("c", ["x"])),
    ]
    assert tfrs_afm.parse_spec(columns) == fc.make_parse_example_spec(columns)
