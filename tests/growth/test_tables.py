"""Shared and compositional tables, and columns that come and go."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tests.growth.models as made
import tfrs_afm
from tfrs_afm import embeddings, optimizers

pytestmark = pytest.mark.long

fc = tf.feature_column
CLICKS = {
    "film": tf.constant([["a"], ["b"], ["c"]]),
    "seen": tf.ragged.constant([["b"], ["a", "c"], ["c"]]).to_sparse(),
    "user": tf.constant([[0], [1], [2]], tf.int64),
}


def films(*words: str) -> list[Any]:
    """A film and the films seen before, for one table."""
    return [
        fc.categorical_column_with_vocabulary_list("film", words),
        fc.sequence_categorical_column_with_vocabulary_list("seen", words),
    ]


def shared(*words: str, more: tuple[Any, ...] = (), name: str | None = None) -> list[Any]:
    return tfrs_afm.shared_embeddings(
        [*films(*words), *more], made.DIM, shared_embedding_collection_name=name
    )


def user(size: int = 3, dim: int = made.DIM) -> Any:
    return fc.embedding_column(fc.categorical_column_with_identity("user", size), dim)


def trained(columns: list[Any], **options: Any) -> Any:
    model = made.model_of(columns, **options)
    made.train(model, CLICKS)
    return model


def entries(report: tfrs_afm.growth.GrowthReport) -> dict[str, Any]:
    return {entry.name: entry for entry in (*report.tables, *report.variables)}


def test_a_shared_table_is_carried_over_once_and_the_weights_of_each_column() -> None:
    old = trained([*shared("a", "b", "c"), user()])
    new = made.model_of([*shared("c", "x", "a", "b"), user()])
    new(CLICKS)
    name = "film_seen_shared_embedding"
    initial = made.table_of(new, name)
    report = tfrs_afm.growth.carry_over(old, new)
    pairs = [(0, 2), (1, 3), (2, 0)]
    made.check_rows(old, new, name, pairs, initial)
    for linear in ("film_shared_embedding/linear", "seen_shared_embedding/linear"):
        made.check_rows(old, new, linear, pairs, np.zeros([4, 1]))
    np.testing.assert_allclose(new(CLICKS), old(CLICKS), rtol=1e-6, atol=1e-6)
    assert [table.name for table in report.tables].count(name) == 1


def test_a_shared_table_is_found_by_its_columns_when_its_name_changed() -> None:
    old = trained([*shared("a", "b", "c"), user()])
    clicked = fc.sequence_categorical_column_with_vocabulary_list("clicked", ["c", "a", "b"])
    new = made.model_of([*shared("c", "a", "b", more=(clicked,)), user()])
    report = tfrs_afm.growth.carry_over(old, new)
    name = "clicked_film_seen_shared_embedding"
    np.testing.assert_array_equal(
        made.table_of(new, name), made.table_of(old, "film_seen_shared_embedding")[[2, 0, 1]]
    )
    assert entries(report)[name].note == "from 'film_seen_shared_embedding'"
    assert entries(report)["clicked_shared_embedding/linear"].new == 3
    again = made.model_of([*shared("b", "a", "c", name="films"), user()])
    tfrs_afm.growth.carry_over(old, again)
    np.testing.assert_array_equal(
        made.table_of(again, "films"), made.table_of(old, "film_seen_shared_embedding")[[1, 0, 2]]
    )


def test_columns_that_share_a_table_but_disagree_about_its_rows_are_refused() -> None:
    old = trained([*shared("a", "b", "c"), user()])
    film = fc.categorical_column_with_vocabulary_list("film", ["c", "b", "a"])
    seen = fc.sequence_categorical_column_with_vocabulary_list("seen", ["a", "b", "c"])
    new = made.model_of([*tfrs_afm.shared_embeddings([film, seen], made.DIM), user()])
    new(CLICKS)
    before = new.get_weights()
    with pytest.raises(ValueError, match=r"must agree in the ids of its rows\. Received: table "):
        tfrs_afm.growth.carry_over(old, new)
    for was, now in zip(before, new.get_weights(), strict=True):
        np.testing.assert_array_equal(now, was)


def test_columns_that_had_a_table_each_start_a_shared_one_afresh() -> None:
    film, seen = films("a", "b", "c")
    both = tfrs_afm.shared_embeddings([film], made.DIM, shared_embedding_collection_name="one")
    both += tfrs_afm.shared_embeddings([seen], made.DIM, shared_embedding_collection_name="two")
    old = trained([*both, user()])
    new = made.model_of([*shared("a", "b", "c"), user()])
    entry = entries(tfrs_afm.growth.carry_over(old, new))["film_seen_shared_embedding"]
    assert (entry.carried, entry.new) == (0, 3)
    assert entry.note == "its columns had a table each: ['one', 'two']"


def test_columns_are_matched_by_name_when_they_come_go_and_change_places() -> None:
    age = fc.numeric_column("age")
    film = fc.embedding_column(films("a", "b", "c")[0], made.DIM)
    seen = fc.embedding_column(films("a", "b", "c")[1], made.DIM)
    old = trained([film, user(), seen])
    new = made.model_of([user(4), age, film])
    new({**CLICKS, "age": tf.zeros([3, 1])})
    kernel = new.task.interaction._deep.tower.layers[0].kernel
    first = kernel.numpy()
    found = entries(tfrs_afm.growth.carry_over(old, new))
    for table in ("film_embedding", "film_embedding/linear"):
        np.testing.assert_array_equal(made.table_of(new, table), made.table_of(old, table))
    np.testing.assert_array_equal(
        made.table_of(new, "user_embedding")[:3], made.table_of(old, "user_embedding")
    )
    assert found["age"].note == "no column of it in the old model"
    assert (found["seen_embedding"].dropped, found["seen_embedding"].note) == (
        3,
        "not in the new model",
    )
    was = old.task.interaction._deep.tower.layers[0].kernel
    dim = made.DIM
    slots = made.slots_of(old, was), made.slots_of(new, kernel)
    pairs = [(was.numpy(), kernel.numpy()), *((slots[0][kind], slots[1][kind]) for kind in "mv")]
    for before, after in pairs:
        np.testing.assert_array_equal(after[:dim], before[dim : 2 * dim])  # user
        np.testing.assert_array_equal(after[2 * dim :], before[:dim])  # film
    np.testing.assert_array_equal(kernel.numpy()[dim : 2 * dim], first[dim : 2 * dim])
    note = found["task/interaction/_deep/tower/layer_with_weights-0/kernel"].note
    assert note == "by field: 2 carried, 1 new, 1 dropped"


@pytest.mark.parametrize("kind", ["AFM", "DeepFM"])
def test_reordered_columns_predict_as_before(kind: str) -> None:
    columns = [*shared("a", "b", "c"), user()]
    old = trained(columns, kind=kind)
    new = made.model_of(columns[::-1], kind=kind)
    report = tfrs_afm.growth.carry_over(old, new)
    np.testing.assert_allclose(new(CLICKS), old(CLICKS), rtol=1e-6, atol=1e-6)
    assert all(one.carried for one in report.variables)
    made.train(old, CLICKS)
    made.train(new, CLICKS)
    np.testing.assert_allclose(new(CLICKS), old(CLICKS), rtol=1e-5, atol=1e-6)


class Composed(tfrs_afm.models.AFM):
    """An AFM whose users have a compositional table."""

    def __init__(self, columns: list[Any], table: Any) -> None:
        tables = {"user_embedding": table}
        embedding = tfrs_afm.IdEmbedding(columns, tables=tables)
        super().__init__(columns, attention_units=4, embedding=embedding)


def composed(rows: int, remainders: int | None, operation: str = "multiply") -> Any:
    table = embeddings.QuotientRemainderTable(rows, made.DIM, remainders, operation)
    model = Composed([user(rows), *shared("a", "b", "c")], table)
    model.compile(optimizers.Adam(0.05), run_eagerly=True)
    return model


def test_a_compositional_table_grows_at_its_end_if_its_remainders_stay() -> None:
    old = composed(10, 4)
    made.train(old, CLICKS)
    new = composed(17, 4)
    entry = entries(tfrs_afm.growth.carry_over(old, new))["user_embedding"]
    assert (entry.carried, entry.new, entry.dropped) == (10, 7, 0)
    assert entry.slots == ("momentums", "velocities")
    ids = tf.range(10, dtype=tf.int64)
    np.testing.assert_array_equal(
        new.embedding.tables["user_embedding"](ids), old.embedding.tables["user_embedding"](ids)
    )
    np.testing.assert_allclose(new(CLICKS), old(CLICKS), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "remainders", "operation", "note"),
    [
        (
            17,
            None,
            "multiply",
            "num_remainders and operation (5, 'multiply'), were (4, 'multiply'): give the table "
            "the old ones",
        ),
        (
            10,
            4,
            "add",
            "num_remainders and operation (4, 'add'), were (4, 'multiply'): give the table the old "
            "ones",
        ),
    ],
)
def test_a_compositional_table_of_other_sizes_starts_afresh_and_says_so(
    rows: int, remainders: int | None, operation: str, note: str
) -> None:
    old = composed(10, 4)
    made.train(old, CLICKS)
    entry = entries(tfrs_afm.growth.carry_over(old, composed(rows, remainders, operation)))[
        "user_embedding"
    ]
    assert (entry.carried, entry.new, entry.dropped, entry.note) == (0, rows, 10, note)


def test_a_compositional_table_whose_words_moved_starts_afresh_and_says_so() -> None:
    def model(*words: str) -> Any:
        column = fc.embedding_column(films(*words)[0], made.DIM)
        table = embeddings.QuotientRemainderTable(len(words), made.DIM, 2)
        layer = tfrs_afm.IdEmbedding([column], tables={"film_embedding": table})
        return tfrs_afm.models.AFM([column], attention_units=4, embedding=layer)

    old = model("a", "b", "c")
    report = tfrs_afm.growth.carry_over(old, model("b", "a", "c"))
    assert {table.note for table in report.tables} == {
        "ids moved: a compositional table can only grow at its end"
    }
    assert "none carried over: the new model is not compiled" in str(report)


def test_a_table_of_another_dimension_or_kind_starts_afresh_and_says_so() -> None:
    old = trained([user(), *shared("a", "b", "c")])
    film = tfrs_afm.shared_embeddings(films("a", "b", "c"), 4)
    wider = tfrs_afm.models.DeepFM([user(dim=4), *film], units=[5, 4])
    found = entries(tfrs_afm.growth.carry_over(old, wider))
    assert found["user_embedding"].note == "rows of 4 numbers, were 3"
    assert found["user_embedding/linear"].carried == 3
    kernel = found["task/interaction/_deep/tower/layer_with_weights-0/kernel"]
    assert (kernel.carried, kernel.note) == (False, "shape (12, 5), was (9, 5)")
    dense = tfrs_afm.growth.carry_over(composed(10, 4), made.model_of([user(10)], kind="AFM"))
    assert dense.tables[0].note == "a DenseTable, was a QuotientRemainderTable"


def test_a_changed_normalizer_is_pointed_out() -> None:
    column = fc.numeric_column("age", normalizer_fn=lambda age: age / 40)
    bucketized = fc.bucketized_column(column, [0.5])
    old, new = (made.model_of([column, bucketized, user()]) for _ in range(2))
    found = entries(tfrs_afm.growth.carry_over(old, new))
    note = "check that its normalizer_fn is the same"
    assert [found[name].note for name in ("age", "age_bucketized")] == [note, note]


@pytest.mark.parametrize("which", ["source", "model"])
def test_a_sharded_table_is_refused(which: str) -> None:
    models = {"source": made.model_of([user()]), "model": made.model_of([user()])}
    for model in models.values():
        model(CLICKS)
    table = models[which].embedding.tables["user_embedding"]
    shards = [tf.Variable(table.embedding_weights[:2]), tf.Variable(table.embedding_weights[2:])]
    table.embedding_weights = tf.__internal__.distribute.ShardedVariable(shards)
    with pytest.raises(ValueError, match=rf"`{which}` must hold whole tables\. Received: {which}"):
        tfrs_afm.growth.carry_over(models["source"], models["model"])


def test_two_layers_over_one_table_carry_it_over_once() -> None:
    class TwoViews(tf.keras.Model):
        def __init__(self, *words: str) -> None:
            super().__init__()
            columns = [fc.embedding_column(films(*words)[1], made.DIM)]
            self.pooled = tfrs_afm.FieldEmbedding(columns)
            self.single = tfrs_afm.IdEmbedding(columns, tables=self.pooled.tables)

        def call(self, features: dict[str, Any]) -> Any:
            both = self.pooled(features), self.single(features)
            return tf.concat([tf.reduce_sum(one.vectors, axis=1) for one in both], axis=1)

    old, new = TwoViews("a", "b", "c"), TwoViews("c", "x", "b", "a")
    before, _ = old(CLICKS), new(CLICKS)
    report = tfrs_afm.growth.carry_over(old, new)
    np.testing.assert_allclose(new(CLICKS), before, rtol=1e-6)
    assert [(table.name, table.carried, table.new) for table in report.tables] == [
        ("pooled/seen_embedding", 3, 1),
        ("pooled/seen_embedding/linear", 3, 1),
    ]
