import pytest

from pipelines.configuration.column import Column
from pipelines.configuration.configuration import Configuration, Data
from pipelines.configuration.raw_features import RawFeature, raw_features


def made(*columns: Column) -> Configuration:
    return Configuration(data=Data(format="csv", train="a.csv"), columns=columns)


def test_each_feature_has_the_type_that_its_column_reads() -> None:
    identity = Column(kind="sequence_categorical_column_with_identity", key="seen")
    found = raw_features(
        made(
            Column(kind="numeric_column", key="age", default_value="mean"),
            Column(kind="sequence_numeric_column", key="days"),
            Column(kind="bucketized_column", key="year", dtype="int64", default_value=1990),
            Column(
                kind="sequence_weighted_categorical_column",
                categorical_column=identity,
                weight_feature_key="stars",
            ),
            Column(
                kind="crossed_column",
                keys=["city", Column(kind="categorical_column_with_identity", key="hour")],
                hash_bucket_size=10,
            ),
            Column(kind="categorical_column_with_vocabulary_list", key="n", vocabulary_list=[3]),
        )
    )
    assert list(found.values()) == [
        RawFeature("age", "float32", (1,), "mean"),
        RawFeature("days", "float32"),
        RawFeature("year", "int64", (1,), 1990),
        RawFeature("seen", "int64"),
        RawFeature("stars", "float32"),
        RawFeature("city", "string"),
        RawFeature("hour", "int64"),
        RawFeature("n", "int64"),
    ]


def test_two_columns_that_read_a_feature_in_two_ways_are_told() -> None:
    configuration = made(
        Column(kind="numeric_column", key="age"),
        Column(kind="categorical_column_with_identity", key="age"),
    )
    with pytest.raises(ValueError, match=r"`columns\[1\]` must read .* int64 of a list"):
        raw_features(configuration)
