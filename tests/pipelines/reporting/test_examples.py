import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.reporting.examples import explain_rows, notable_rows

fc = tf.feature_column
FILM = fc.categorical_column_with_identity("film", 9)
GENRES = fc.categorical_column_with_vocabulary_list("genres", ["war", "drama"])
COLUMNS = [fc.embedding_column(FILM, 4), fc.embedding_column(GENRES, 4)]


def batches(size: int = 7) -> tf.data.Dataset:
    def example(film: int) -> bytes:
        genres = [[b"war"], [b"war", b"drama"], []][film % 3]
        values = {
            "film": tf.train.Feature(int64_list=tf.train.Int64List(value=[film])),
            "genres": tf.train.Feature(bytes_list=tf.train.BytesList(value=genres)),
        }
        return tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString()

    data = tf.data.Dataset.from_tensor_slices([example(film) for film in range(size)]).batch(3)
    spec = {**tfrs_afm.parse_spec(COLUMNS), "film": tf.io.FixedLenFeature([1], tf.int64)}

    def parse(serialized: tf.Tensor) -> tuple:
        features = tf.io.parse_example(serialized, spec)
        labels = tf.cast(features["film"] % 2, tf.float32)
        return features, labels

    return data.map(parse)


def test_an_explained_example_adds_up_to_its_logit() -> None:
    model = tfrs_afm.models.DeepFM(COLUMNS, units=[4])
    rows = [(6, "last"), (1, "second")]
    last, second = explain_rows(model, batches(), rows)
    assert (last.story, second.story) == ("last", "second")
    assert (last.features, second.features) == (
        {"film": "6", "genres": "war"},
        {"film": "1", "genres": "war, drama"},
    )
    for one in (last, second):
        assert 1 / (1 + np.exp(-sum(one.parts.values()))) == pytest.approx(one.prediction, abs=1e-5)
    assert any("&" in name for name in second.parts)


def test_the_most_notable_rows_of_a_regression_are_its_smallest_and_largest_errors() -> None:
    rows = notable_rows([1.0, 2.0, 3.0], [1.1, 5.0, 3.0], binary=False, each=1)
    assert [row for row, _ in rows] == [2, 1]


def test_a_class_without_examples_has_no_telling_row() -> None:
    assert [row for row, _ in notable_rows([1, 1], [0.2, 0.9], each=1)] == [1, 0]
