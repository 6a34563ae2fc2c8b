import random

import numpy as np
import pytest

from pipelines.fitting.fit import Fit, Fitted
from pipelines.fitting.fit_columns import fit_columns
from tests.pipelines.modelling.configurations import identity, made


def number(kind: str, **more: object) -> dict[str, object]:
    return {"kind": kind, "key": "x", **more}


def rows_of(values: list) -> list[dict]:
    return [{"x": value} for value in values]


def test_words_come_by_falling_count_whatever_the_order_of_the_rows() -> None:
    words = {"kind": "categorical_column_with_vocabulary_list", "key": "x", "min_count": 2}
    configuration = made(words)
    rows = rows_of(["b", ["a", "c"], None, ["c", "a", "b"], ["c", "rare"], []])
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        found = fit_columns(configuration, rows)
        assert found.values == {"vocabulary(x, min_count=2)": ["c", "a", "b"]}
    capped = made({**words, "max_size": 1})
    assert fit_columns(capped, rows).values == {"vocabulary(x, size=1, min_count=2)": ["c"]}


def test_ids_of_columns_that_share_a_table_are_counted_together() -> None:
    seen = {
        "kind": "sequence_categorical_column_with_identity",
        "key": "seen",
        "shared": "items",
    }
    configuration = made(seen, identity("item", None, shared="items"), identity("user", None))
    rows = [{"seen": [3, 9], "item": 4, "user": 0}, {"seen": [], "item": 2, "user": None}]
    found = fit_columns(configuration, rows)
    assert found.values == {"num_ids(seen, item)": 10, "num_ids(user)": 1}


def test_numbers_give_means_ranges_and_bounds() -> None:
    values = [3.0, 1.0, None, 2.0, 10.0, 4.0]
    known = np.array([3.0, 1.0, 2.0, 10.0, 4.0])
    configuration = made(
        number("numeric_column", default_value="median", normalizer="standard"),
        number("bucketized_column", num_buckets=3),
        number("bucketized_column", num_buckets=3, bounds="uniform"),
        number("piecewise_linear_column", num_buckets=2),
        number("sequence_numeric_column", normalizer="log", default_value="mean"),
    )
    found = fit_columns(configuration, rows_of(values)).values
    bent = np.log1p(known)
    assert found["median(x)"] == 3.0
    assert found["mean(x)"] == 4.0
    assert found["range(x)"] == pytest.approx([4.0, known.std(), 1.0, 10.0])
    assert found["range(x, log=True)"] == pytest.approx(
        [bent.mean(), bent.std(), bent.min(), bent.max()]
    )
    assert found["quantile(x, size=3)"] == [2.0, 4.0]
    assert found["uniform(x, size=3)"] == [4.0, 7.0]
    assert found["quantile(x, size=2, ends=True)"] == [1.0, 3.0, 10.0]


def test_numbers_that_are_all_the_same_still_give_bounds() -> None:
    configuration = made(number("bucketized_column"), number("piecewise_linear_column"))
    found = fit_columns(configuration, rows_of([5.0, 5.0])).values
    assert list(found.values()) == [[5.0], [5.0, 6.0]]


def test_nothing_is_read_where_nothing_is_left_open() -> None:
    assert fit_columns(made(identity("x")), iter(())) == Fitted()


@pytest.mark.parametrize("column", [identity("x", None), number("bucketized_column")])
def test_a_feature_without_any_value_is_told(column: dict) -> None:
    with pytest.raises(ValueError, match="`x` must have values in the training split to fit"):
        fit_columns(made(column), rows_of([None, []]))


def test_a_feature_that_lists_the_values_of_another_takes_what_was_fitted_on_it() -> None:
    fitted = Fitted({"vocabulary(film, min_count=2)": ["b"]}, {"history": "film"})
    for features in (("film",), ("history",), ("film", "history"), ("history", "film")):
        assert fitted.of(Fit("vocabulary", features, min_count=2)) == ["b"]
        assert fitted.of(Fit("vocabulary", features)) == ["b"]  # the column leaves it open
    for other in (
        Fit("vocabulary", ("film",), min_count=3),
        Fit("vocabulary", ("film",), size=7),
        Fit("vocabulary", ("film", "tags")),
        Fit("num_ids", ("film",)),
    ):
        with pytest.raises(ValueError, match="and fitted are vocabulary"):
            fitted.of(other)


def test_bounds_that_were_fitted_otherwise_are_not_taken() -> None:
    fitted = Fitted({"quantile(price, size=4)": [1.0]})
    assert fitted.of(Fit("quantile", ("price",), 10)) == [1.0]
    for other in (
        Fit("quantile", ("price",), 5),
        Fit("quantile", ("price",), 10, ends=True),
        Fit("uniform", ("price",), 10),
    ):
        with pytest.raises(ValueError, match=r"and fitted are quantile\(price, size=4\)"):
            fitted.of(other)
