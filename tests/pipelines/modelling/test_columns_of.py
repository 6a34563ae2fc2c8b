from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.raw_features import raw_features
from pipelines.fitting.fit import Fitted
from pipelines.fitting.fit_columns import fit_columns
from pipelines.modelling.columns_of import columns_of
from tests.pipelines.modelling.configurations import identity, made

fc = tf.feature_column
SEEN = {"kind": "sequence_categorical_column_with_identity", "key": "seen", "num_buckets": 9}
AGE = {"kind": "bucketized_column", "key": "age", "boundaries": [18, 30]}


def number(key: str = "age") -> Any:
    return fc.numeric_column(key)


# A column as a section, and the same in Python, each with the model's dimension of 16.
KINDS: dict[str, tuple[dict[str, Any], Any]] = {
    "numeric": (
        {"kind": "numeric_column", "key": "age", "default_value": 3, "dtype": "int64"},
        lambda: fc.numeric_column("age", default_value=3, dtype=tf.int64),
    ),
    "bucketized": (AGE, lambda: fc.bucketized_column(number(), [18.0, 30.0])),
    "piecewise_linear": (
        {"kind": "piecewise_linear_column", "key": "age", "boundaries": [0, 9]},
        lambda: tfrs_afm.piecewise_linear_column(number(), [0, 9]),
    ),
    "identity": (
        identity("user", 10, default_value=0),
        lambda: fc.categorical_column_with_identity("user", 10, default_value=0),
    ),
    "vocabulary_list": (
        {
            "kind": "categorical_column_with_vocabulary_list",
            "key": "sex",
            "vocabulary_list": ["F", "M"],
            "num_oov_buckets": 1,
        },
        lambda: fc.categorical_column_with_vocabulary_list("sex", ["F", "M"], num_oov_buckets=1),
    ),
    "vocabulary_list_of_numbers": (
        {
            "kind": "categorical_column_with_vocabulary_list",
            "key": "hour",
            "vocabulary_list": [7, 8],
            "default_value": 0,
        },
        lambda: fc.categorical_column_with_vocabulary_list("hour", [7, 8], default_value=0),
    ),
    "hash_bucket": (
        {
            "kind": "categorical_column_with_hash_bucket",
            "key": "city",
            "hash_bucket_size": 5,
            "dtype": "int64",
        },
        lambda: fc.categorical_column_with_hash_bucket("city", 5, tf.int64),
    ),
    "crossed": (
        {"kind": "crossed_column", "keys": ["city", AGE], "hash_bucket_size": 7, "hash_key": 3},
        lambda: fc.crossed_column(["city", fc.bucketized_column(number(), [18.0, 30.0])], 7, 3),
    ),
    "weighted": (
        {
            "kind": "weighted_categorical_column",
            "categorical_column": identity("user", 10),
            "weight_feature_key": "share",
        },
        lambda: fc.weighted_categorical_column(
            fc.categorical_column_with_identity("user", 10), "share"
        ),
    ),
    "sequence_numeric": (
        {"kind": "sequence_numeric_column", "key": "days"},
        lambda: fc.sequence_numeric_column("days"),
    ),
    "sequence_bucketized": (
        {"kind": "sequence_bucketized_column", "key": "days", "boundaries": [1, 7]},
        lambda: tfrs_afm.sequence_bucketized_column(fc.sequence_numeric_column("days"), [1, 7]),
    ),
    "sequence_identity": (SEEN, lambda: fc.sequence_categorical_column_with_identity("seen", 9)),
    "sequence_vocabulary_list": (
        {
            "kind": "sequence_categorical_column_with_vocabulary_list",
            "key": "words",
            "vocabulary_list": ["a"],
        },
        lambda: fc.sequence_categorical_column_with_vocabulary_list("words", ["a"]),
    ),
    "sequence_hash_bucket": (
        {
            "kind": "sequence_categorical_column_with_hash_bucket",
            "key": "words",
            "hash_bucket_size": 4,
        },
        lambda: fc.sequence_categorical_column_with_hash_bucket("words", 4),
    ),
    "sequence_crossed": (
        {
            "kind": "sequence_crossed_column",
            "keys": [SEEN, {**SEEN, "key": "how"}],
            "hash_bucket_size": 11,
        },
        lambda: tfrs_afm.sequence_crossed_column(
            [fc.sequence_categorical_column_with_identity(key, 9) for key in ("seen", "how")], 11
        ),
    ),
    "sequence_weighted": (
        {
            "kind": "sequence_weighted_categorical_column",
            "categorical_column": SEEN,
            "weight_feature_key": "stars",
            "dtype": "int64",
        },
        lambda: tfrs_afm.sequence_weighted_categorical_column(
            fc.sequence_categorical_column_with_identity("seen", 9), "stars", tf.int64
        ),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_section_is_the_same_column_as_in_python(kind: str) -> None:
    section, make = KINDS[kind]
    configuration = made(section)
    (column,) = columns_of(configuration, Fitted())
    expected = make()
    if "numeric" not in kind:
        expected = fc.embedding_column(expected, 16)
    assert tfrs_afm.feature_schema([column]) == tfrs_afm.feature_schema([expected])
    inner = getattr(column, "categorical_column", column)
    assert inner == getattr(expected, "categorical_column", expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_raw_features_of_a_section_are_what_its_column_parses(kind: str) -> None:
    configuration = made(KINDS[kind][0])
    spec = tfrs_afm.parse_spec(columns_of(configuration, Fitted()))
    features = raw_features(configuration)
    assert set(features) == set(spec)
    for name, feature in features.items():
        assert spec[name].dtype.name == feature.dtype
        fixed = isinstance(spec[name], tf.io.FixedLenFeature)
        assert (tuple(spec[name].shape) if fixed else None) == feature.shape


def test_a_vocabulary_file_is_as_long_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("a\nb\nc\n")
    kind = "categorical_column_with_vocabulary_file"
    section = {"kind": kind, "key": "word", "vocabulary_file": str(path), "num_oov_buckets": 2}
    (column,) = columns_of(made(section), Fitted())
    assert column.categorical_column.num_buckets == 5


def test_dimension_combiner_and_stddev_are_the_models_where_a_column_is_silent() -> None:
    configuration = made(
        identity("a"),
        identity("b", dimension=4, combiner="sum", stddev=0.5, max_norm=2.0, trainable=False),
        identity("c", indicator=True),
        model={"dim": 8, "stddev": 0.25},
    )
    a, b, c = columns_of(configuration, Fitted())
    assert (a.dimension, a.combiner, a.initializer.stddev) == (8, "mean", 0.25)
    assert (b.dimension, b.combiner, b.initializer.stddev) == (4, "sum", 0.5)
    assert (b.max_norm, b.trainable) == (2.0, False)
    assert type(c).__name__ == "IndicatorColumn"


def test_columns_with_one_table_share_it_and_what_is_fitted() -> None:
    seen = {"kind": "sequence_categorical_column_with_identity", "key": "seen"}
    configuration = made(
        identity("item", None, shared="items"),
        identity("user", 4),
        {**seen, "shared": "items", "combiner": "sqrtn", "dimension": 4},
    )
    fitted = fit_columns(configuration, [{"item": 3, "seen": [7]}])
    item, user, history = columns_of(configuration, fitted)
    assert item.table is history.table
    assert (item.table.rows, item.dimension, item.combiner) == (8, 4, "sqrtn")
    assert user.name == "user_embedding"


def test_columns_with_one_table_that_disagree_are_told() -> None:
    configuration = made(
        identity("a", shared="t", dimension=4), identity("b", shared="t", dimension=8)
    )
    with pytest.raises(
        ValueError, match=r"share the table 't' must agree in `dimension`.*\[4, 8\]"
    ):
        columns_of(configuration, Fitted())


@pytest.mark.parametrize(
    ("normalizer", "expected"),
    [
        ("standard", tfrs_afm.Normalizer(3.0, 1.0)),
        ("min_max", tfrs_afm.Normalizer(2.0, 2.0)),
        ("log", None),
    ],
)
def test_a_normalizer_is_made_of_what_was_fitted(normalizer: str, expected: Any) -> None:
    section = {"kind": "numeric_column", "key": "age", "normalizer": normalizer}
    configuration = made({**section, "default_value": "mean"})
    fitted = fit_columns(configuration, [{"age": 2.0}, {"age": 4.0}, {"age": None}])
    (column,) = columns_of(configuration, fitted)
    assert column.default_value == (3.0,)
    if expected is None:
        assert column.normalizer_fn.log
        assert float(column.normalizer_fn(tf.constant([2.0]))[0]) == pytest.approx(-1.0)
    else:
        assert column.normalizer_fn == expected


def test_what_is_not_fitted_is_told() -> None:
    with pytest.raises(
        ValueError, match=r"a column that needs num_ids\(user\), and fitted are none"
    ):
        columns_of(made(identity("user", None)), Fitted())
