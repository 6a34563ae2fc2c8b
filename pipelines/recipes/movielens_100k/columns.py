"""The fields of MovieLens-100K, as feature columns."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.preparation.feature import Feature

_ZIP_BUCKETS = 16


def columns(features: Mapping[str, Feature], dimension: int, stddev: float) -> list[Any]:
    """Returns one column a field, of the kind that suits its feature.

    Ids that training has not seen share id 0, which nobody has, and unknown words have a bucket of
    their own. `history` and `movie_id` look up one table, so that what was liked meets what is
    asked for in one space; the history is pooled by `sqrtn`, for a long one says more than a short
    one. The first characters of the zip code are hashed into few buckets: with one bucket each
    they would only tell users apart, and most users to come are new.

    Args:
        features: The features as `prepare` described them.
        dimension: Length of the vectors. Positive.
        stddev: Standard deviation of the vectors before training.

    Returns:
        Nine feature columns, in the order of the fields.
    """
    fc = tf.feature_column

    def initializer() -> Any:
        return tf.keras.initializers.RandomNormal(stddev=stddev)

    def embedded(categorical: Any) -> Any:
        return fc.embedding_column(categorical, dimension, initializer=initializer())

    def words(name: str) -> Any:
        known = features[name].vocabulary
        return fc.categorical_column_with_vocabulary_list(name, known, num_oov_buckets=1)

    def number(name: str, normalizer: Any = None) -> Any:
        default = features[name].default
        return fc.numeric_column(
            name, default_value=default, dtype=tf.int64, normalizer_fn=normalizer
        )

    def identity(name: str, make: Any = fc.categorical_column_with_identity) -> Any:
        return make(name, features[name].num_ids, default_value=0)

    history, movie = tfrs_afm.shared_embeddings(
        [
            identity("history", fc.sequence_categorical_column_with_identity),
            identity("movie_id"),
        ],
        dimension,
        combiner="sqrtn",
        initializer=initializer(),
    )
    years = fc.bucketized_column(number("release_year"), features["release_year"].bounds)
    zips = fc.categorical_column_with_hash_bucket("zip_prefix", _ZIP_BUCKETS)
    return [
        embedded(identity("user_id")),
        history,
        movie,
        embedded(years),
        embedded(words("genres")),
        number("age", _decades_from_35),
        embedded(words("gender")),
        embedded(words("occupation")),
        embedded(zips),
    ]


def _decades_from_35(age: Any) -> Any:
    """Brings ages to the size of the other values; a named function, as columns save its name."""
    return (tf.cast(age, tf.float32) - 35.0) / 10.0
