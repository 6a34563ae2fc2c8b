import pathlib

import numpy as np
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column


class Served(tf.Module):
    def __init__(self, layer: tfrs_afm.FieldEmbedding) -> None:
        super().__init__()
        self.layer = layer

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.string)])
    def run(self, words: tf.Tensor) -> tf.Tensor:
        return self.layer({"word": words}).vectors


def test_two_vocabularies_over_one_feature_are_both_saved(tmp_path: pathlib.Path) -> None:
    """TensorFlow's own state manager tracks one table per column name and loses the second."""
    columns = [
        fc.embedding_column(fc.categorical_column_with_vocabulary_list("word", words), 3)
        for words in (["a", "b"], ["b", "c"])
    ]
    second = tfrs_afm.shared_embeddings([columns[1].categorical_column], 3)
    layer = tfrs_afm.FieldEmbedding([columns[0], *second])
    served = Served(layer)
    words = tf.constant([["a"], ["b"], ["c"]])
    expected = served.run(words)
    tf.saved_model.save(served, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(loaded.run(words), expected)
