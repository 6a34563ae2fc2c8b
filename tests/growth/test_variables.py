"""What is no table: attention, towers, layers of one's own, optimizers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs

import tests.growth.models as made
import tfrs_afm
from tfrs_afm import interactions, optimizers, tasks

fc = tf.feature_column
KERAS = tf.keras.optimizers
IDS = {"a": tf.constant([[0], [1], [2]], tf.int64), "b": tf.constant([[1], [0], [1]], tf.int64)}


def columns(size: int = 3, names: str = "ab") -> list[Any]:
    return [
        fc.embedding_column(fc.categorical_column_with_identity(name, size), made.DIM)
        for name in names
    ]


def trained(*arguments: Any, **options: Any) -> Any:
    model = made.model_of(*arguments, **options)
    made.train(model, IDS)
    return model


MAKERS: dict[str, Callable[[], Any]] = {
    "Adam": lambda: optimizers.Adam(0.1, amsgrad=True),
    "SGD": lambda: optimizers.SGD(0.1, 0.9),
    "SGD without momentum": lambda: optimizers.SGD(0.1),
    "Adagrad": lambda: optimizers.Adagrad(0.1),
    "Ftrl": lambda: optimizers.Ftrl(0.1),
    "averaged": lambda: optimizers.Adagrad(0.1, use_ema=True, ema_overwrite_frequency=2),
    "Keras Adam": lambda: KERAS.Adam(0.1),
    "Keras Adagrad": lambda: KERAS.Adagrad(0.1),
    "Keras SGD": lambda: KERAS.SGD(0.1, 0.9),
    "loss scale": lambda: tf.keras.mixed_precision.LossScaleOptimizer(
        optimizers.Adam(0.1), initial_scale=4.0
    ),
}
SLOTS = {
    "Adam": ("momentums", "velocities", "velocity_hats"),
    "SGD": ("momentums",),
    "SGD without momentum": (),
    "Adagrad": ("accumulators",),
    "Ftrl": ("accumulators", "linears"),
    "averaged": ("accumulators", "model_variables_moving_average"),
    "Keras Adam": ("momentums", "velocities"),
    "Keras Adagrad": ("accumulators",),
    "Keras SGD": ("momentums",),
    "loss scale": ("momentums", "velocities"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", MAKERS)
def test_training_goes_on_as_if_the_vocabulary_had_not_grown(name: str) -> None:
    old = trained(columns(), MAKERS[name](), kind="AFM")
    new = made.model_of(columns(5), MAKERS[name](), kind="AFM")
    report = tfrs_afm.growth.carry_over(old, new)
    assert all(set(table.slots) == set(SLOTS[name]) for table in report.tables)
    assert all(one.carried for one in report.variables)
    for _ in range(2):
        np.testing.assert_allclose(new(IDS), old(IDS), rtol=1e-5, atol=1e-6)
        made.train(old, IDS, steps=1)
        made.train(new, IDS, steps=1)


def test_new_rows_start_with_the_optimizers_own_first_slots() -> None:
    old = trained(columns(), optimizers.Adagrad(0.1, initial_accumulator_value=0.5))
    new = made.model_of(columns(5), optimizers.Adagrad(0.1, initial_accumulator_value=0.5))
    tfrs_afm.growth.carry_over(old, new)
    (slot,) = made.slots_of(new, new.embedding.tables["a_embedding"].embedding_weights).values()
    assert (slot[:3] > 0.5).all()
    assert (slot[3:] == 0.5).all()


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (optimizers.Adam, optimizers.Adagrad, "Adagrad starts afresh: the old model had Adam"),
        (optimizers.Adam, lambda: None, "none carried over: the new model is not compiled"),
        (lambda: None, optimizers.Adam, "Adam starts afresh: the old model came without an opt"),
        (KERAS.Nadam, KERAS.Nadam, "Nadam starts afresh: tf_keras keeps a part of its state out"),
        (KERAS.Adam, optimizers.Adam, "Adam goes on at step 3, at the new model's rate"),
    ],
)
def test_the_report_says_what_became_of_the_optimizer(old: Any, new: Any, text: str) -> None:
    before, after = (tfrs_afm.models.AFM(columns(), 4) for _ in range(2))
    before(IDS)
    for model, maker in ((before, old), (after, new)):
        if maker() is not None:
            model.compile(maker(), run_eagerly=True)
    if old() is not None:
        made.train(before, IDS)
    report = tfrs_afm.growth.carry_over(before, after)
    assert report.optimizer.startswith(text)
    assert str(report).endswith(report.optimizer)
    carried = "goes on" in text
    assert all(bool(one.slots) == carried for one in (*report.tables, *report.variables))
    np.testing.assert_allclose(after(IDS), before(IDS), rtol=1e-6)


def test_an_optimizer_that_never_made_a_step_has_nothing_to_carry_over() -> None:
    old, new = (made.model_of(columns()) for _ in range(2))
    report = tfrs_afm.growth.carry_over(old, new)
    assert report.optimizer.startswith("Adam starts afresh: the old one was never built")


def deep(units: list[int], **options: Any) -> Any:
    task = tasks.DeepFM(units, **options)
    model = tfrs_afm.models.DeepFM(columns(), task=task)
    model.compile(optimizers.Adam(0.1), run_eagerly=True)
    return model


def test_a_tower_with_batch_norm_goes_on_with_its_statistics() -> None:
    old = deep([5, 4], batch_norm=True)
    made.train(old, IDS)
    new = deep([5, 4], batch_norm=True)
    tfrs_afm.growth.carry_over(old, new)
    np.testing.assert_allclose(new(IDS), old(IDS), rtol=1e-6)


@pytest.mark.parametrize(("units", "options"), [([4, 4, 4], {}), ([4, 4], {"batch_norm": True})])
def test_a_tower_of_another_build_is_not_mixed_up_with_the_old_one(
    units: list[int], options: dict
) -> None:
    old = deep([4, 4])
    made.train(old, IDS)
    new = deep(units, **options)
    report = tfrs_afm.growth.carry_over(old, new)
    tower = [one for one in report.variables if "/tower/" in one.name]
    assert not any(one.carried for one in tower)
    assert any(one.note.startswith(f"a tower of {{'units': {units}, ") for one in tower)
    (bias,) = [one for one in report.variables if "/tower/" not in one.name]
    assert bias.carried


def test_a_model_of_another_kind_takes_what_it_has_in_common() -> None:
    old = trained(columns(), kind="DeepFM")
    new = made.model_of(columns(), kind="AFM")
    found = {one.name: one for one in tfrs_afm.growth.carry_over(old, new).variables}
    assert found["task/interaction/_pooling/kernel"].note == "not in the old model"
    assert found["task/interaction/_deep/tower/layer_with_weights-0/kernel"].note == (
        "not in the new model"
    )
    name = "a_embedding"
    np.testing.assert_array_equal(made.table_of(new, name), made.table_of(old, name))


def test_an_attention_of_another_width_starts_afresh() -> None:
    old = trained(columns(), kind="AFM")
    new = tfrs_afm.models.AFM(columns(), attention_units=6)
    found = {one.name: one for one in tfrs_afm.growth.carry_over(old, new).variables}
    kernel = found["task/interaction/_pooling/kernel"]
    assert (kernel.carried, kernel.note) == (False, "shape (3, 6), was (3, 4)")


class Ranker(tfrs.Model):
    """A model of somebody's own, with a layer over the flattened fields."""

    def __init__(self, columns: list[Any]) -> None:
        super().__init__()
        self.embed = tfrs_afm.FieldEmbedding(columns)
        self.own = tf.keras.layers.Dense(1)
        self.cross = interactions.FactorizationMachine()

    def call(self, features: Any) -> Any:
        vectors, mask, _ = self.embed(features)
        flat = tf.reshape(vectors, [-1, vectors.shape[1] * vectors.shape[2]])
        return self.own(flat) + self.cross(vectors, mask=mask)


def test_a_layer_of_ones_own_is_pointed_out_when_the_fields_changed() -> None:
    old, grown, turned = Ranker(columns()), Ranker(columns(5)), Ranker(columns()[::-1])
    for model in (old, grown, turned):
        model(IDS)
    first = {one.name: one for one in tfrs_afm.growth.carry_over(old, grown).variables}
    np.testing.assert_allclose(grown(IDS), old(IDS), rtol=1e-6)
    assert first["own/kernel"].note == ""
    second = {one.name: one for one in tfrs_afm.growth.carry_over(old, turned).variables}
    assert second["own/kernel"].note == (
        "fields changed: check that it does not depend on their number or order"
    )


@pytest.mark.long
def test_target_attention_is_carried_over_by_the_name_of_its_column() -> None:
    def model(*names: str) -> Any:
        made_of = columns(names="".join(names))
        rule = {"a_embedding": tfrs_afm.embeddings.TargetAttention("b_embedding", units=[4])}
        layer = tfrs_afm.FieldEmbedding(made_of, pooling=rule)
        return tfrs_afm.models.AFM(made_of, attention_units=4, embedding=layer)

    old, new = model("a", "b"), model("b", "a")
    before = old(IDS)
    report = tfrs_afm.growth.carry_over(old, new)
    np.testing.assert_allclose(new(IDS), before, rtol=1e-6)
    assert {one.note for one in report.variables} == {""}


def test_the_report_prints_as_a_table() -> None:
    text = str(tfrs_afm.growth.carry_over(trained(columns()), made.model_of(columns(5))))
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["table", "carried", "new", "dropped", "slots,", "notes"]
    assert ["a_embedding", "3", "2", "0", "momentums,", "velocities"] in lines
    assert ["task/interaction/_linear/bias", "yes", "momentums,", "velocities"] in lines
    assert lines[-1][:5] == ["optimizer:", "Adam", "goes", "on", "at"]
