import tensorflow as tf

import tfrs_afm
from serving.exporting.feature_values import feature_values

fc = tf.feature_column


def test_boundaries_of_whole_numbers_give_whole_numbers() -> None:
    """Golden rows of an int64 feature were written as floats, which no example parser takes."""
    year = fc.numeric_column("year", dtype=tf.int64, default_value=1990)
    columns = [fc.bucketized_column(year, [1980.0, 1990.0])]
    known = feature_values(columns, tfrs_afm.parse_spec(columns))["year"].known
    assert known == [1980, 1990, 1991]
    assert all(isinstance(value, int) for value in known)
