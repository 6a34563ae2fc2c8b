import pytest
import tensorflow as tf

import tfrs_afm
from serving.exporting.golden import feature_values, golden_examples

fc = tf.feature_column


@pytest.mark.parametrize(("dtype", "kind"), [(tf.int64, int), (tf.float32, float)])
def test_golden_rows_of_a_bucketized_column_have_the_type_of_its_feature(
    dtype: tf.DType, kind: type
) -> None:
    # They were floats whatever the type, so that a model with bucketized integers had no export.
    year = fc.numeric_column("year", default_value=1990, dtype=dtype)
    columns = [fc.embedding_column(fc.bucketized_column(year, [1980.0, 1995.0]), 4)]
    spec = tfrs_afm.parse_spec(columns)
    values = feature_values(columns, spec)
    assert [type(one) for one in values["year"].known] == [kind] * 3
    rows = [example.SerializeToString() for example in golden_examples(values)]
    assert tf.io.parse_example(rows, spec)["year"].dtype == dtype
