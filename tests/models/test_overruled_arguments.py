"""Arguments that a given part would leave without effect are refused."""

from collections.abc import Callable
from typing import Any

import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
parts, tasks, models = tfrs_afm.interactions, tfrs_afm.tasks, tfrs_afm.models


def columns(*names: str) -> list[Any]:
    made = [fc.categorical_column_with_identity(name, 5) for name in names or ("user", "film")]
    return [fc.embedding_column(column, 4) for column in made]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: models.AFM(columns(), attention_units=99, task=tasks.AFM(4)),
            "`attention_units` must be left out with `task`.* Received: attention_units=99",
        ),
        (lambda: models.AFM(columns(), 16, task=tasks.AFM(4)), "Received: attention_units=16"),
        (lambda: models.AFM(columns(), dropout=0.0, task=tasks.AFM(4)), "Received: dropout=0.0"),
        (
            lambda: models.DeepFM(columns(), [8], task=tasks.DeepFM([4])),
            r"`units` must be left out with `task`.* Received: units=\[8\]",
        ),
        (lambda: models.DeepFM(columns(), dropout=0.1, task=tasks.DeepFM([4])), "dropout=0.1"),
        (
            lambda: models.AFM(columns(), dim=8, embedding=tfrs_afm.IdEmbedding(columns(), 4)),
            "`dim` must be left out with `embedding`.* Received: dim=8",
        ),
        (
            lambda: models.DeepFM(columns(), l2=0.1, embedding=tfrs_afm.FieldEmbedding(columns())),
            "`l2` must be left out with `embedding`.* Received: l2=0.1",
        ),
        (
            lambda: models.AFM(columns(), embedding=tfrs_afm.FieldEmbedding(columns("user"))),
            "`embedding` must be over the columns of the model. Received: an embedding of user_emb",
        ),
        (
            lambda: parts.AFM(99, pooling=parts.SumPooling()),
            "`attention_units` must be left out with a `pooling`.* Received: attention_units=99",
        ),
        (
            lambda: tasks.AFM(temperature=2.0, pooling=parts.SumPooling()),
            "`temperature` must be left out with a `pooling`",
        ),
        (
            lambda: tasks.AFM(attention_dropout=0.1, pooling=parts.SumPooling()),
            "`attention_dropout` must be left out",
        ),
        (lambda: tasks.AFM(attention_l2=0.1, pooling=parts.SumPooling()), "`attention_l2` must be"),
    ],
)
def test_it_is_refused(make: Callable[[], object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


def test_a_configuration_says_what_the_model_has() -> None:
    features = {"user": tf.constant([1, 2]), "film": tf.constant([3, 4])}
    made = {
        "task": models.AFM(columns(), task=tasks.AFM(4, 0.25)),
        "arguments": models.AFM(columns(), 4, dropout=0.25),
        "embedding": models.AFM(
            columns(), task=tasks.AFM(4, 0.25), embedding=tfrs_afm.FieldEmbedding(columns(), l2=0.5)
        ),
    }
    for name, model in made.items():
        config = model.get_config()
        assert (config["attention_units"], config["dropout"]) == (4, 0.25), name
        assert config["l2"] == (0.5 if name == "embedding" else 0.0)
        model(features)
        again = type(model).from_config(config)
        own = ("attention_units", "dropout", "dim", "l2", "columns")
        assert {key: again.get_config()[key] for key in own} == {key: config[key] for key in own}
        again(features)
        again.set_weights(model.get_weights())
        tf.debugging.assert_near(again(features), model(features))
    deep = models.DeepFM(columns(), task=tasks.DeepFM([8, 4], dropout=0.5)).get_config()
    assert (list(deep["units"]), deep["dropout"]) == ([8, 4], 0.5)


def test_the_task_takes_all_that_the_interaction_takes() -> None:
    task = tasks.AFM(dropout=0.5, deep=parts.Deep([3]), pooling=parts.AveragePooling())
    warm = tasks.AFM(4, temperature=2.0)
    for one in (task, warm):
        config = one.get_config()
        own = one.interaction.get_config()
        for key in ("attention_units", "dropout", "temperature", "pooling", "deep"):
            assert config[key] == own[key]
        again = tasks.AFM.from_config(config)
        assert again.interaction.get_config() == {**own, "name": again.interaction.name}
    vectors = tf.random.normal([2, 3, 4])
    expected = parts.AFM(pooling=parts.AveragePooling())(vectors)
    assert tasks.AFM(pooling=parts.AveragePooling()).logits(vectors).shape == expected.shape


def test_configurations_of_before_that_held_overruled_arguments_load() -> None:
    model = models.AFM(columns(), task=tasks.AFM(4))
    former = {**model.get_config(), "attention_units": 99, "dropout": 0.9, "l2": 0.0}
    assert models.AFM.from_config(former).get_config()["attention_units"] == 4
    layer = parts.AFM(pooling=parts.SumPooling()).get_config()
    assert parts.AFM.from_config({**layer, "attention_units": 99}).attention_units == 16
    old = {
        k: v for k, v in tasks.AFM(4).get_config().items() if k not in ("temperature", "pooling")
    }
    assert tasks.AFM.from_config(old).interaction.temperature == 1.0


@pytest.mark.parametrize("name", ["loss", "metrics", "weighted_metrics", "loss_weights"])
@pytest.mark.parametrize("make", [models.AFM, models.DeepFM])
def test_compile_refuses_what_training_would_not_use(make: Callable[..., Any], name: str) -> None:
    model = make(columns())
    with pytest.raises(
        ValueError, match=f"`{name}` must be left out of `compile`.*Received: {name}="
    ):
        model.compile("adam", **{name: ["mse"]})
    model.compile("adam", jit_compile=False, **{name: None})
    assert type(model.optimizer).__name__ == "Adam"


@pytest.mark.parametrize("make", [models.AFM, models.DeepFM])
def test_compilation_by_xla_is_refused_with_its_reason(make: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match=r"must be False.*XLA compiles neither text"):
        make(columns()).compile("adam", jit_compile=True)
