"""Where a model can be carried over from."""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tests.growth.models as made
import tfrs_afm
from tfrs_afm import optimizers

fc = tf.feature_column
FEATURES = {"w": tf.constant([["a"], ["b"], ["c"]])}
KERAS = tf.keras.optimizers


def model_of(*words: str, optimizer: Any = None) -> Any:
    column = fc.categorical_column_with_vocabulary_list("w", words)
    initializer = tf.keras.initializers.RandomNormal()
    return made.model_of(
        [fc.embedding_column(column, made.DIM, initializer=initializer)], optimizer
    )


def old_model(optimizer: Any = None) -> Any:
    return model_of("a", "b", "c", optimizer=optimizer)


def by_memory(old: Any, folder: pathlib.Path) -> tuple[Any, Any]:
    return old, None


def by_keras_file(old: Any, folder: pathlib.Path) -> tuple[Any, Any]:
    old(FEATURES)
    old.save(folder / "model.keras")
    return folder / "model.keras", None


def by_folder(old: Any, folder: pathlib.Path) -> tuple[Any, Any]:
    checkpoint = tf.train.Checkpoint(model=old, optimizer=old.optimizer)
    tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=2).save()
    return folder, old_model(type(old.optimizer)(0.05))


def by_model_alone(old: Any, folder: pathlib.Path) -> tuple[Any, Any]:
    path = tf.train.Checkpoint(model=old, epoch=tf.Variable(3)).save(str(folder / "c"))
    return path, old_model(type(old.optimizer)(0.05))


def by_weights(old: Any, folder: pathlib.Path) -> tuple[Any, Any]:
    old.save_weights(str(folder / "weights"))
    return folder / "weights", old_model(type(old.optimizer)(0.05))


@pytest.mark.long
@pytest.mark.parametrize("optimizer", [optimizers.Adam, KERAS.Adam])
@pytest.mark.parametrize("save", [by_memory, by_keras_file, by_folder, by_model_alone, by_weights])
def test_every_source_gives_the_same_rows_and_slots(
    save: Callable[..., tuple[Any, Any]], optimizer: Any, tmp_path: pathlib.Path
) -> None:
    old = old_model(optimizer(0.05))
    made.train(old, FEATURES)
    source, into = save(old, tmp_path)
    new = model_of("c", "x", "a", "b", optimizer=optimizer(0.05))
    new(FEATURES)
    initial = made.table_of(new, "w_embedding")
    report = tfrs_afm.growth.carry_over(source, new, old_model=into)
    made.check_rows(old, new, "w_embedding", [(0, 2), (1, 3), (2, 0)], initial)
    np.testing.assert_allclose(new(FEATURES), old(FEATURES), rtol=1e-6, atol=1e-6)
    assert report.optimizer.startswith("Adam goes on at step 3")


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("source", "into", "text"),
    [
        ("none.keras", None, r"`source` must exist\. Received: source='.*none\.keras'"),
        ("none", None, r"`source` must be a model, a `\.keras` file or a checkpoint\. Received: "),
        (".", None, r"`source` must be a model, a `\.keras` file or a checkpoint\. Received: "),
        ("saved", None, r"`old_model` must be given for a checkpoint, which holds no columns\."),
        ("saved", lambda: model_of("a", "b"), r"with \[2, 3\] as 'embedding/tables/w_embedding/"),
        (
            "saved",
            lambda: old_model(KERAS.Adam()),
            r"compiled as the model of the checkpoint was\. Received: old_model with Adam",
        ),
        ("x.keras", old_model, r"`old_model` must only be given for a checkpoint\."),
    ],
)
def test_a_source_that_cannot_be_read_is_refused(
    source: str, into: Any, text: str, tmp_path: pathlib.Path
) -> None:
    old = old_model()
    made.train(old, FEATURES, steps=1)
    tf.train.Checkpoint(model=old, optimizer=old.optimizer).write(str(tmp_path / "saved"))
    with pytest.raises(ValueError, match=text):
        tfrs_afm.growth.carry_over(tmp_path / source, model_of("a"), old_model=into and into())


def test_a_checkpoint_without_an_optimizer_is_not_taken_for_fresh_slots(
    tmp_path: pathlib.Path,
) -> None:
    column = fc.categorical_column_with_vocabulary_list("w", ["a", "b", "c"])
    bare = tfrs_afm.models.DeepFM([fc.embedding_column(column, made.DIM)], units=[5, 4])
    bare(FEATURES)
    bare.save_weights(str(tmp_path / "w"))
    with pytest.raises(ValueError, match="or not at all to carry over the weights alone"):
        tfrs_afm.growth.carry_over(tmp_path / "w", model_of("b", "a"), old_model=old_model())
    again = tfrs_afm.models.DeepFM([fc.embedding_column(column, made.DIM)], units=[5, 4])
    new = model_of("b", "a")
    report = tfrs_afm.growth.carry_over(tmp_path / "w", new, old_model=again)
    assert "came without an optimizer" in report.optimizer
    table = bare.embedding.tables["w_embedding"].embedding_weights.numpy()
    np.testing.assert_array_equal(made.table_of(new, "w_embedding"), table[[1, 0]])


def test_a_model_that_cannot_be_built_here_is_named() -> None:
    class Own(tf.keras.Model):
        pass

    with pytest.raises(ValueError, match=r"`source` must be built\. Received: source=own"):
        tfrs_afm.growth.carry_over(Own(), old_model())
    with pytest.raises(ValueError, match=r"`model` must be built\. Received: model=own"):
        tfrs_afm.growth.carry_over(old_model(), Own())


def test_a_model_is_not_carried_over_to_itself() -> None:
    model = old_model()
    with pytest.raises(ValueError, match="`model` must be another one than the source"):
        tfrs_afm.growth.carry_over(model, model)
