"""Data frames of three libraries, as features and as results."""

import datetime
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import tensorflow as tf

import tfrs_afm
from tests.growth import models as growth_models

pytestmark = pytest.mark.long

fc = tf.feature_column
USER = fc.embedding_column(fc.categorical_column_with_identity("user", 10), 4)
WORD = fc.embedding_column(fc.categorical_column_with_vocabulary_list("word", ["a", "b"]), 4)
AGE = fc.numeric_column("age", default_value=3.0)
CELLS = fc.numeric_column("cells", shape=(2, 2))
SEEN = fc.embedding_column(fc.sequence_categorical_column_with_identity("seen", 9), 4)
COLUMNS = [USER, WORD, AGE, CELLS, SEEN]
ROWS: dict[str, list[Any]] = {
    "user": [1, None, 3],
    "word": ["a", None, "b"],
    "age": [1.5, None, 2],
    "cells": [[[1, 2], [3, 4]], None, [[0, 0], [0, None]]],
    "seen": [[1, 2], None, [3, None]],
    "clicked": [1.0, 0.0, 1.0],
}
FRAMES: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "pandas": pd.DataFrame,
    "pandas with types of its own": lambda rows: pd.DataFrame(rows).convert_dtypes(),
    "polars": lambda rows: pl.DataFrame(rows, strict=False),
    "pyarrow": pa.table,
}


def lists(features: dict[str, Any]) -> dict[str, Any]:
    return {
        name: one.to_list() if isinstance(one, tf.RaggedTensor) else one.numpy().tolist()
        for name, one in features.items()
    }


@pytest.mark.parametrize("library", FRAMES)
def test_a_frame_of_any_library_is_the_features_that_columns_read(library: str) -> None:
    found = lists(tfrs_afm.frame_features(FRAMES[library](ROWS), COLUMNS))
    cells = found.pop("cells")
    np.testing.assert_equal(
        cells, [[[1, 2], [3, 4]], [[math.nan] * 2] * 2, [[0, 0], [0, math.nan]]]
    )
    np.testing.assert_equal(found.pop("age"), [[1.5], [math.nan], [2.0]])
    assert found == {
        "user": [1, -1, 3],
        "word": [b"a", b"", b"b"],
        "seen": [[1, 2], [], [3]],
    }


def test_cells_of_one_kind_may_be_written_in_several_ways() -> None:
    frame = pd.DataFrame(
        {
            "user": np.array([1, 2], np.uint8),
            "word": pd.Categorical(["b", "a"]),
            "age": [True, False],
            "cells": [np.ones((2, 2)), (1, 2, 3, 4)],
            "seen": [np.array([4]), 5],
        }
    )
    assert lists(tfrs_afm.frame_features(frame, COLUMNS)) == {
        "user": [1, 2],
        "word": [b"b", b"a"],
        "age": [[1.0], [0.0]],
        "cells": [[[1, 1], [1, 1]], [[1, 2], [3, 4]]],
        "seen": [[4], [5]],
    }


def test_a_missing_value_of_a_weighted_list_masks_its_id_only() -> None:
    ids = fc.sequence_categorical_column_with_identity("ids", 9)
    weighted = tfrs_afm.sequence_weighted_categorical_column(ids, "weights")
    frame = pd.DataFrame({"ids": [[1, 2, 3], []], "weights": [[1.0, math.nan, 3.0], None]})
    features = tfrs_afm.frame_features(frame, [fc.embedding_column(weighted, 4)])
    np.testing.assert_equal(features["weights"].to_list(), [[1.0, math.nan, 3.0], []])
    embed = tfrs_afm.IdEmbedding([fc.embedding_column(weighted, 4)])
    assert embed(features).mask.numpy().tolist() == [[True, False, True], [False] * 3]


WHOLE = fc.numeric_column("age", dtype=tf.int64)


@pytest.mark.parametrize("library", ["pandas", "polars"])
@pytest.mark.parametrize(
    ("column", "cells", "error", "said"),
    [
        (USER, None, KeyError, "no 'user' among"),
        (USER, [1.0, 1.5], TypeError, r"whole numbers in 'user', .* 1\.5 in row 1"),
        (USER, ["1", "2"], TypeError, "whole numbers in 'user', .* '1' in row 0"),
        (USER, [1, math.inf], TypeError, "whole numbers in 'user', .* inf in row 1"),
        (USER, [1, 2**63], TypeError, "whole numbers in 'user', .* in row 1"),
        (WORD, [1, 2], TypeError, "text in 'word', .* string. Received: 1 in row 0"),
        (AGE, ["1", "2"], TypeError, "numbers in 'age', .* '1' in row 0"),
        (AGE, [datetime.datetime(2020, 1, 1)] * 2, TypeError, "numbers in 'age'"),
        (CELLS, [[1, 2, 3, 4], [1, 2, 3]], ValueError, "4 values in each .* 3 in row 1"),
        (SEEN, [[1], [2, 2.5]], TypeError, r"in 'seen', .* 2\.5 in row 1"),
        (WHOLE, [1, None], ValueError, "whole numbers in 'age', .* default. .* row 1"),
        (WHOLE, [1.0, 1.5], TypeError, "whole numbers in 'age', .* row 1"),
    ],
)
def test_a_cell_that_its_column_cannot_read_is_named(
    library: str, column: Any, cells: Any, error: type[Exception], said: str
) -> None:
    name = next(iter(column.parse_example_spec))
    rows = {"other": [0, 0]} if cells is None else {name: cells}
    frame = pd.DataFrame(rows) if library == "pandas" else pl.DataFrame(rows, strict=False)
    if library == "polars" and cells == [1, 2**63]:
        frame = pl.DataFrame(rows, {name: pl.UInt64})
    with pytest.raises(error, match=said):
        tfrs_afm.frame_features(frame, [column])


def test_a_whole_number_that_is_missing_is_its_column_s_default() -> None:
    column = fc.numeric_column("age", dtype=tf.int64, default_value=7)
    found = tfrs_afm.frame_features(pl.DataFrame({"age": [1, None]}), [column])
    assert found["age"].numpy().tolist() == [[1], [7]]


def frame_of(rows: int) -> Any:
    draw = np.random.default_rng(0)
    seen = [draw.integers(0, 9, size).tolist() for size in draw.integers(0, 4, rows)]
    user = draw.integers(0, 10, rows)
    return pd.DataFrame(
        {
            "user": user,
            "seen": seen,
            "clicked": (user % 2).astype(float),
            "weight": draw.uniform(0.5, 2.0, rows),
            "session": draw.integers(0, 3, rows),
        }
    )


def model() -> Any:
    tf.keras.utils.set_random_seed(1)
    metric = tfrs_afm.tasks.metrics.GroupedAUC("session")
    made = tfrs_afm.models.AFM([USER, SEEN], task=tfrs_afm.tasks.AFM(4, metrics=[metric]))
    made.build_from_config({})  # now, with this seed
    made.compile(tfrs_afm.optimizers.Adagrad(0.1), run_eagerly=True)
    return made


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_models_take_frames_as_they_take_arrays(library: str) -> None:
    given = frame_of(40)
    frame = given if library == "pandas" else pl.from_pandas(given)
    features = tfrs_afm.frame_features(frame, [USER, SEEN])
    features["session"] = tf.constant(given["session"])
    label, weight = given["clicked"].to_numpy(), given["weight"].to_numpy()
    options: dict[str, Any] = {"batch_size": 16, "shuffle": False, "verbose": 0}
    by_array, by_frame = model(), model()
    expected = by_array.fit(features, label, sample_weight=weight, **options)
    found = by_frame.fit(frame, "clicked", sample_weight="weight", **options)
    assert found.history == expected.history
    np.testing.assert_array_equal(
        by_frame.predict(frame, verbose=0), by_array.predict(features, verbose=0)
    )
    assert by_frame.evaluate(frame, frame["clicked"], verbose=0) == by_array.evaluate(
        features, label, verbose=0
    )
    explained, again = tfrs_afm.explain(by_frame, frame), tfrs_afm.explain(by_array, features)
    np.testing.assert_array_equal(explained.pairs, again.pairs)
    averages = tfrs_afm.explain_dataset(by_frame, frame)
    np.testing.assert_allclose(averages.linear, explained.linear.mean(0), atol=1e-6)


def test_validation_may_be_a_frame_or_the_last_rows_of_one() -> None:
    frame = frame_of(20)
    options: dict[str, Any] = {"batch_size": 8, "shuffle": False, "verbose": 0}
    split = model().fit(frame, "clicked", validation_split=0.25, **options).history
    head, tail = frame[:15], frame[15:]
    given = model().fit(head, "clicked", validation_data=(tail, "clicked"), **options).history
    assert split == given
    assert any(name.startswith("val_") for name in split)
    with pytest.raises(ValueError, match=r"`validation_split` must .* validation_split=1\.5"):
        model().fit(frame, "clicked", validation_split=1.5)


@pytest.mark.parametrize("argument", ["y", "sample_weight"])
def test_a_label_that_the_frame_lacks_is_named(argument: str) -> None:
    words = {"y": "clicked", argument: "nothing"}
    with pytest.raises(KeyError, match=f"`{argument}` must name .* {argument}='nothing'"):
        model().fit(frame_of(4), **words)


def test_labels_of_several_tasks_are_named_one_by_one() -> None:
    tasks = {"click": tfrs_afm.tasks.DeepFM([4]), "buy": tfrs_afm.tasks.DeepFM([4])}
    both = tfrs_afm.models.MultiTask([USER, SEEN], tasks)
    both.compile("sgd", run_eagerly=True)
    frame = frame_of(8).assign(bought=1.0)
    history = both.fit(frame, {"click": "clicked", "buy": "bought"}, verbose=0).history
    assert math.isfinite(history["loss"][0])


@pytest.mark.parametrize(
    ("backend", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table)]
)
def test_results_are_frames(backend: str, kind: type) -> None:
    frame = tfrs_afm.explain_dataset(model(), frame_of(8)).to_frame(backend)
    assert isinstance(frame, kind)
    names = frame.column_names if backend == "pyarrow" else list(frame.columns)
    assert names == ["field", "other", "contribution", "magnitude", "attention"]


def test_the_parts_of_an_explanation_add_up_in_its_frame() -> None:
    explained = tfrs_afm.explain(model(), frame_of(8))
    frame = explained.to_frame()
    by_example = frame.groupby("example")["share"].sum()
    np.testing.assert_allclose(by_example, explained.logits + explained.calibration, atol=1e-6)
    pairs = frame[frame["part"] == "pair"]
    assert set(pairs["field"] + " " + pairs["other"]) == {"user_embedding seen_embedding"}
    assert pairs["attention"].notna().all()
    assert frame[frame["part"] == "linear"]["attention"].isna().all()


def test_reports_are_tables_in_a_notebook_and_frames() -> None:
    columns = [fc.embedding_column(fc.categorical_column_with_identity("a<b", 2_000), 4)]
    sizes = tfrs_afm.size_report(columns)
    page = sizes._repr_html_()
    assert "<td>a&lt;b_embedding</td>" in page
    assert "<td>2,000</td>" in page
    assert sizes.to_frame()["parameters"].sum() == sizes.parameters
    averages = tfrs_afm.explain_dataset(model(), frame_of(8))
    assert averages._repr_html_().startswith('<img alt="heat map" src="data:image/png;base64,')
    explained = tfrs_afm.explain(model(), frame_of(40))
    assert "more rows: to_frame()" in explained._repr_html_()


def test_what_a_grown_model_kept_is_a_frame() -> None:
    user = fc.categorical_column_with_identity("user", 10)
    models = [growth_models.model_of([fc.embedding_column(user, growth_models.DIM)]) for _ in "ab"]
    for one in models:
        growth_models.train(one, {"user": tf.constant([1, 2])})
    report = tfrs_afm.growth.carry_over(*models)
    frame = report.to_frame()
    assert frame["name"].tolist() == [one.name for one in (*report.tables, *report.variables)]
    tables = frame[frame["kind"] == "table"]
    assert tables["carried"].tolist() == [one.carried for one in report.tables]


def test_without_narwhals_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(ImportError, match=r"pip install 'tfrs-afm\[frames\]'"):
        tfrs_afm.frame_features(pd.DataFrame(), [])
