"""Each kind of column: known ids keep their rows, slots and predictions when the vocabulary grows.

The expected rows are written down by hand: pairs of (old row, new row).
"""

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

import tests.growth.models as made
import tfrs_afm

fc = tf.feature_column


class Key(NamedTuple):
    """Names and files of one case, so that all cases fit into one model."""

    name: str
    folder: pathlib.Path

    def words(self, *values: str, unknown: int = 0) -> Any:
        name = f"w {self.name}"
        return fc.categorical_column_with_vocabulary_list(name, values, num_oov_buckets=unknown)

    def numbers(self, *values: int) -> Any:
        return fc.categorical_column_with_vocabulary_list(f"i {self.name}", values, tf.int64)

    def file(self, *values: str) -> Any:
        path = self.folder / f"{'_'.join(values)}.txt"
        path.write_text("".join(f"{value}\n" for value in values), encoding="utf-8")
        return fc.categorical_column_with_vocabulary_file(f"w {self.name}", str(path), len(values))

    def identity(self, size: int) -> Any:
        return fc.categorical_column_with_identity(f"i {self.name}", size)

    def hashed(self, size: int) -> Any:
        return fc.categorical_column_with_hash_bucket(f"w {self.name}", size)

    def buckets(self, *bounds: float) -> Any:
        return fc.bucketized_column(fc.numeric_column(f"x {self.name}"), bounds)

    def weighted(self, *values: str) -> Any:
        return fc.weighted_categorical_column(self.words(*values), f"v {self.name}")

    def sequence(self, *values: str) -> Any:
        return fc.sequence_categorical_column_with_vocabulary_list(f"w {self.name}", values)

    def sequence_identity(self, size: int) -> Any:
        return fc.sequence_categorical_column_with_identity(f"j {self.name}", size)

    def sequence_buckets(self, *bounds: float) -> Any:
        numbers = fc.sequence_numeric_column(f"y {self.name}")
        return tfrs_afm.sequence_bucketized_column(numbers, bounds)


class Case(NamedTuple):
    old: Callable[[Key], Any]
    new: Callable[[Key], Any]
    pairs: list[tuple[int, int]]


def ragged(rows: list[list[Any]], dtype: Any) -> Any:
    return tf.ragged.constant(rows, dtype, ragged_rank=1).to_sparse()


KNOWN = {  # by the first letter of a feature
    "w": ragged([["b"], ["a", "c"], ["c", "a"]], tf.string),
    "i": tf.constant([[0], [2], [1]], tf.int64),
    "x": tf.constant([[0.5], [2.0], [9.0]]),
    "v": ragged([[1.0], [2.0, 3.0], [0.5, 2.0]], tf.float32),
    "j": ragged([[0], [1, 2], [1, 0]], tf.int64),
    "y": ragged([[0.5], [2.0, 3.0], [4.0]], tf.float32),
}
SAME_SIX = [(i, i) for i in range(6)]
CASES = {
    "list": Case(
        lambda key: key.words("a", "b", "c"),
        lambda key: key.words("new", "c", "a", "b", "newer"),
        [(0, 2), (1, 3), (2, 1)],
    ),
    "list with words removed": Case(
        lambda key: key.words("gone", "a", "b", "c"),
        lambda key: key.words("b", "c", "a"),
        [(1, 2), (2, 0), (3, 1)],
    ),
    "list with buckets for unknown words": Case(
        lambda key: key.words("a", "b", unknown=2),
        lambda key: key.words("b", "new", "a", unknown=2),
        [(0, 2), (1, 0), (2, 3), (3, 4)],
    ),
    "list of integers": Case(
        lambda key: key.numbers(2, 0, 1),
        lambda key: key.numbers(0, 7, 2, 1),
        [(0, 2), (1, 0), (2, 3)],
    ),
    "file": Case(
        lambda key: key.file("a", "b", "c"),
        lambda key: key.file("c", "new", "b", "a"),
        [(0, 3), (1, 2), (2, 0)],
    ),
    "file after a list": Case(
        lambda key: key.words("a", "b", "c"),
        lambda key: key.file("c", "new", "b", "a"),
        [(0, 3), (1, 2), (2, 0)],
    ),
    "identity": Case(lambda key: key.identity(3), lambda key: key.identity(5), SAME_SIX[:3]),
    "list of integers after identity": Case(
        lambda key: key.identity(3),
        lambda key: key.numbers(9, 2, 1, 0),
        [(0, 3), (1, 2), (2, 1)],
    ),
    "hash": Case(lambda key: key.hashed(6), lambda key: key.hashed(6), SAME_SIX),
    "bucketized": Case(
        lambda key: key.buckets(0.0, 1.0, 5.0),
        lambda key: key.buckets(-1.0, 0.0, 1.0, 5.0),
        [(1, 2), (2, 3), (3, 4)],
    ),
    "crossed": Case(
        lambda key: fc.crossed_column([key.buckets(1.0), f"w {key.name}"], 6),
        lambda key: fc.crossed_column([key.buckets(1.0), f"w {key.name}"], 6),
        SAME_SIX,
    ),
    "crossed with vocabularies that grew at the end": Case(
        lambda key: fc.crossed_column([key.words("a", "b", "c"), key.identity(3)], 6),
        lambda key: fc.crossed_column([key.words("a", "b", "c", "d"), key.identity(4)], 6),
        SAME_SIX,
    ),
    "weighted": Case(
        lambda key: key.weighted("a", "b", "c"),
        lambda key: key.weighted("c", "a", "new", "b"),
        [(0, 1), (1, 3), (2, 0)],
    ),
    "sequence": Case(
        lambda key: key.sequence("a", "b", "c"),
        lambda key: key.sequence("c", "new", "a", "b"),
        [(0, 2), (1, 3), (2, 0)],
    ),
    "sequence weighted": Case(
        lambda key: tfrs_afm.sequence_weighted_categorical_column(
            key.sequence("a", "b", "c"), f"v {key.name}"
        ),
        lambda key: tfrs_afm.sequence_weighted_categorical_column(
            key.sequence("c", "b", "new", "a"), f"v {key.name}"
        ),
        [(0, 3), (1, 1), (2, 0)],
    ),
    "sequence bucketized": Case(
        lambda key: key.sequence_buckets(1.0, 5.0),
        lambda key: key.sequence_buckets(1.0, 5.0, 10.0),
        SAME_SIX[:2],
    ),
    "sequence crossed": Case(
        lambda key: tfrs_afm.sequence_crossed_column(
            [key.sequence("a", "b", "c"), key.sequence_identity(3)], 6
        ),
        lambda key: tfrs_afm.sequence_crossed_column(
            [key.sequence("a", "b", "c", "d"), key.sequence_identity(9)], 6
        ),
        SAME_SIX,
    ),
}
INDICATORS = ("list", "identity", "sequence")


class Pair(NamedTuple):
    old: Any
    new: Any
    features: dict[str, Any]
    tables: dict[str, str]
    initial: dict[str, np.ndarray]
    report: tfrs_afm.growth.GrowthReport
    logits: tuple[np.ndarray, np.ndarray]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A trained model with every kind of column, and one with larger vocabularies after it."""
    folder = tmp_path_factory.mktemp("vocabularies")
    columns: tuple[list[Any], list[Any]] = ([], [])
    tables = {}
    for name, case in CASES.items():
        for wrap in (_embedding, fc.indicator_column):
            if wrap is _embedding or name in INDICATORS:
                kind = name if wrap is _embedding else f"indicator of {name}"
                wrapped = [wrap(make(Key(kind, folder))) for make in (case.old, case.new)]
                assert wrapped[0].name == wrapped[1].name
                tables[kind] = wrapped[0].name
                for into, column in zip(columns, wrapped, strict=True):
                    into.append(column)
    for into in columns:
        into.append(fc.numeric_column("x", shape=(2,)))
    tables["numeric"] = "x"
    features = {key: KNOWN[key[0]] for key in tfrs_afm.parse_spec(columns[0])}
    features["x"] = tf.constant([[1.0, 2.0], [-1.0, 0.5], [0.5, 3.0]])
    old, new = (made.model_of(one) for one in columns)
    made.train(old, features, steps=1)
    new(features)
    initial = {
        name: table.embedding_weights.numpy() for name, table in new.embedding.tables.items()
    }
    report = tfrs_afm.growth.carry_over(old, new)
    logits = tuple(model.logits(features).numpy() for model in (old, new))
    return Pair(old, new, features, tables, initial, report, logits)


KINDS = [*CASES, *(f"indicator of {name}" for name in INDICATORS)]


@pytest.mark.parametrize("kind", KINDS)
def test_known_ids_keep_their_rows_and_slots(pair: Pair, kind: str) -> None:
    pairs = CASES[kind.removeprefix("indicator of ")].pairs
    table = pair.tables[kind]
    for name in (table, f"{table}/linear"):
        made.check_rows(pair.old, pair.new, name, pairs, pair.initial[name])
        entry = next(one for one in pair.report.tables if one.name == name)
        sizes = [len(pair.initial[name]), pair.old.embedding.tables[name].rows]
        left = tuple(size - len(pairs) for size in sizes)
        assert (entry.carried, entry.new, entry.dropped) == (len(pairs), *left)
        assert entry.slots == ("momentums", "velocities")


def test_the_elements_of_a_number_keep_their_rows_and_slots(pair: Pair) -> None:
    for name in ("x", "x/linear"):
        made.check_rows(pair.old, pair.new, name, [(0, 0), (1, 1)], pair.initial[name])


def test_predictions_for_known_ids_stay_and_training_goes_on_alike(pair: Pair) -> None:
    before, after = pair.logits
    np.testing.assert_allclose(after, before, rtol=1e-6, atol=1e-6)
    steps = int(pair.old.optimizer.iterations)
    assert int(pair.new.optimizer.iterations) == steps > 0
    made.train(pair.old, pair.features, steps=1)
    made.train(pair.new, pair.features, steps=1)
    alike = [model.logits(pair.features).numpy() for model in (pair.old, pair.new)]
    np.testing.assert_allclose(alike[1], alike[0], rtol=1e-5, atol=1e-6)
    assert np.abs(alike[0] - before).max() > 1e-3


def _embedding(column: Any) -> Any:
    return fc.embedding_column(column, made.DIM)


def _words(*values: str, unknown: int = 0) -> Any:
    return fc.categorical_column_with_vocabulary_list("w", values, num_oov_buckets=unknown)


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        (
            fc.categorical_column_with_hash_bucket("w", 4),
            fc.categorical_column_with_hash_bucket("w", 5),
            "5 hash buckets, were 4 hash buckets",
        ),
        (
            fc.categorical_column_with_hash_bucket("w", 4),
            _words("a", "b", "c", "d"),
            "ids, were 4 hash buckets",
        ),
        (
            fc.crossed_column(["w", "z"], 4),
            fc.crossed_column(["w", "z"], 4, hash_key=5),
            "4 hash buckets of (w, z) with hash_key=5, were 4 hash buckets of (w, z) with "
            "hash_key=None",
        ),
        (
            fc.crossed_column(["w", "z"], 4),
            fc.crossed_column(["z", "w"], 4),
            "4 hash buckets of (z, w) with hash_key=None, were 4 hash buckets of (w, z) with "
            "hash_key=None",
        ),
        (
            fc.crossed_column([_words("a", "b"), "z"], 4),
            fc.crossed_column([_words("b", "a"), "z"], 4),
            "4 hash buckets of (w, z) with hash_key=None, but the row numbers that it hashes moved",
        ),
    ],
)
def test_rows_whose_ids_mean_something_else_are_not_carried_over(
    old: Any, new: Any, note: str
) -> None:
    features = {"w": tf.constant([["a"], ["b"]]), "z": tf.constant([["c"], ["d"]])}
    trained = made.model_of([_embedding(old)])
    made.train(trained, features)
    model = made.model_of([_embedding(new)])
    model(features)
    initial = made.table_of(model, f"{new.name}_embedding")
    report = tfrs_afm.growth.carry_over(trained, model)
    np.testing.assert_array_equal(made.table_of(model, f"{new.name}_embedding"), initial)
    entry = report.tables[0]
    assert (entry.carried, entry.new, entry.dropped) == (0, new.num_buckets, old.num_buckets)
    assert (entry.note, entry.slots) == (note, ())


def test_buckets_for_unknown_words_are_not_carried_over_if_their_number_changed() -> None:
    features = {"w": tf.constant([["a"], ["b"], ["zz"]])}
    old = made.model_of([_embedding(_words("a", "b", unknown=1))])
    made.train(old, features)
    new = made.model_of([_embedding(_words("b", "a", unknown=2))])
    new(features)
    initial = made.table_of(new, "w_embedding")
    report = tfrs_afm.growth.carry_over(old, new)
    made.check_rows(old, new, "w_embedding", [(0, 1), (1, 0)], initial)
    assert report.tables[0].note.startswith("2 buckets for unknown words new: were ids and 1")


def test_unknown_words_that_get_another_row_are_said() -> None:
    def column(values: list[str]) -> Any:
        return _embedding(fc.categorical_column_with_vocabulary_list("w", values, default_value=0))

    features = {"w": tf.constant([["a"], ["b"]])}
    old = made.model_of([column(["a", "b"])])
    made.train(old, features)
    report = tfrs_afm.growth.carry_over(old, made.model_of([column(["b", "a"])]))
    assert report.tables[0].note == "unknown ids take the row of b'b', took that of b'a'"
    report = tfrs_afm.growth.carry_over(old, made.model_of([column(["a", "c", "b"])]))
    assert report.tables[0].note == ""


def test_the_words_a_model_read_count_and_not_those_in_the_file_by_now(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / "words.txt"

    def model(values: list[str]) -> Any:
        path.write_text("\n".join(values) + "\n")
        column = fc.categorical_column_with_vocabulary_file("w", str(path), len(values))
        return made.model_of([_embedding(column)])

    features = {"w": tf.constant([["a"], ["b"]])}
    old = model(["a", "b"])
    made.train(old, features)
    new = model(["b", "c", "a"])
    new(features)
    initial = made.table_of(new, "w_embedding")
    tfrs_afm.growth.carry_over(old, new)
    made.check_rows(old, new, "w_embedding", [(0, 2), (1, 0)], initial)
