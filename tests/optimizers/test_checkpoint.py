import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tfrs_afm import optimizers

pytestmark = pytest.mark.long

ROWS = 8
IDS = np.array([[1, 2], [3, 3], [1, 7], [0, 2]])
LABELS = np.array([1.0, -1.0, 2.0, 0.5])
MAKERS: dict[str, Callable[[], Any]] = {
    "adam": lambda: optimizers.Adam(0.1, amsgrad=True),
    "sgd": lambda: optimizers.SGD(0.1, 0.9, nesterov=True),
    "adagrad": lambda: optimizers.Adagrad(0.1),
    "ftrl": lambda: optimizers.Ftrl(0.1),
    "average": lambda: optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2),
    "loss scale": lambda: tf.keras.mixed_precision.LossScaleOptimizer(
        optimizers.Adam(0.1), initial_scale=4.0
    ),
}


class Pair(tf.keras.Model):
    """Two tables of one shape, made in the order of their names as given."""

    def __init__(self, order: tuple[str, str], *, named: bool = True) -> None:
        super().__init__()
        for name in order:
            given = {"name": name} if named else {}
            setattr(self, name, tf.keras.layers.Embedding(ROWS, 2, **given))

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(self.user(ids[:, 0]) * (1 + self.item(ids[:, 1])), axis=1)


def pair(optimizer: Any, order: tuple[str, str] = ("user", "item"), *, named: bool = True) -> Pair:
    model = Pair(order, named=named)
    model.compile(optimizer, "mse", run_eagerly=True)  # tracing would take most of the time
    return model


def fit(model: tf.keras.Model, epochs: int) -> None:
    model.fit(IDS, LABELS, batch_size=2, epochs=epochs, shuffle=False, verbose=0)


def tables(model: Pair) -> dict[str, np.ndarray]:
    return {name: getattr(model, name).embeddings.numpy() for name in ("user", "item")}


def swapped(model: Pair) -> bool:
    return model.trainable_variables[0] is model.item.embeddings


def by_checkpoint(saved: Pair, fresh: Pair, folder: Path) -> None:
    path = tf.train.Checkpoint(model=saved, optimizer=saved.optimizer).save(str(folder / "ckpt"))
    status = tf.train.Checkpoint(model=fresh, optimizer=fresh.optimizer).restore(path)
    fit_nothing(fresh)
    status.assert_consumed()


def by_weights(saved: Pair, fresh: Pair, folder: Path) -> None:
    saved.save_weights(str(folder / "weights"))
    fresh.load_weights(str(folder / "weights"))


def by_callback(saved: Pair, fresh: Pair, folder: Path) -> None:
    callback = tf.keras.callbacks.ModelCheckpoint(str(folder / "each"), save_weights_only=True)
    callback.set_model(saved)
    callback.on_epoch_end(0)
    fresh.load_weights(str(folder / "each"))


def fit_nothing(model: tf.keras.Model) -> None:
    """Builds model and optimizer without a step."""
    model(IDS)
    model.optimizer.build(model.trainable_variables)


ROUTES = [by_checkpoint, by_weights, by_callback]


@pytest.mark.parametrize("built", [False, True], ids=["restored first", "built first"])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("name", MAKERS)
def test_state_follows_its_table_when_two_tables_of_one_shape_change_order(
    name: str, route: Callable[..., None], built: bool, tmp_path: Path
) -> None:
    model = pair(MAKERS[name]())
    fit(model, 3)
    again = pair(MAKERS[name](), ("item", "user"))
    if built:
        fit_nothing(again)
    route(model, again, tmp_path)
    fit(model, 2)
    fit(again, 2)
    assert swapped(again)
    for table, values in tables(model).items():
        np.testing.assert_allclose(tables(again)[table], values, rtol=1e-5, atol=1e-6)


def test_the_same_swap_under_tf_keras_goes_wrong(tmp_path: Path) -> None:
    model = pair(tf.keras.optimizers.Adam(0.1))
    fit(model, 3)
    again = pair(tf.keras.optimizers.Adam(0.1), ("item", "user"))
    fit_nothing(again)
    by_weights(model, again, tmp_path)
    fit(model, 2)
    fit(again, 2)
    assert np.abs(tables(again)["user"] - tables(model)["user"]).max() > 1e-3


@pytest.mark.parametrize("built", [False, True], ids=["restored first", "built first"])
def test_layers_that_keras_numbered_restore_by_their_place_in_the_model(
    built: bool, tmp_path: Path
) -> None:
    model = pair(optimizers.Adam(0.1), named=False)
    fit(model, 3)
    again = pair(optimizers.Adam(0.1), ("item", "user"), named=False)
    if built:
        fit_nothing(again)
    by_checkpoint(model, again, tmp_path)
    fit(model, 2)
    fit(again, 2)
    for table, values in tables(model).items():
        np.testing.assert_allclose(tables(again)[table], values, rtol=1e-5, atol=1e-6)


class Listed(tf.keras.Model):
    """Two tables that TensorFlow knows by their place in a list."""

    def __init__(self, order: tuple[str, str]) -> None:
        super().__init__()
        self.tables = [tf.keras.layers.Embedding(ROWS, 2, name=name) for name in order]

    def call(self, ids: tf.Tensor) -> tf.Tensor:
        return tf.reduce_sum(self.tables[0](ids[:, 0]) * (1 + self.tables[1](ids[:, 1])), axis=1)


def listed(order: tuple[str, str]) -> Listed:
    model = Listed(order)
    model.compile(optimizers.Adam(0.1), "mse")
    return model


def test_a_reordered_list_of_tables_is_refused_where_tensorflow_would_swap_them(
    tmp_path: Path,
) -> None:
    model = listed(("user", "item"))
    fit(model, 1)
    path = tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(str(tmp_path / "c"))
    again = listed(("item", "user"))
    fit_nothing(again)
    before = again.get_weights()
    with pytest.raises(ValueError, match=r"`variables` must be in the order .* saved with\.") as no:
        tf.train.Checkpoint(model=again, optimizer=again.optimizer).restore(path)
    assert "item/embeddings:0' in the place of '" in str(no.value)
    for was, now in zip(before, again.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)


def test_a_reordered_list_of_tables_is_refused_also_when_the_optimizer_is_built_later(
    tmp_path: Path,
) -> None:
    model = listed(("user", "item"))
    fit(model, 1)
    model.save_weights(str(tmp_path / "w"))
    again = listed(("item", "user"))
    again(IDS)
    again.load_weights(str(tmp_path / "w"))
    with pytest.raises(ValueError, match="`variables` must be in the order"):
        again.optimizer.build(again.trainable_variables)


def test_the_checkpoint_records_names_and_shapes_in_order(tmp_path: Path) -> None:
    model = pair(optimizers.Adam())
    fit(model, 1)
    path = tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(str(tmp_path / "c"))
    reader = tf.train.load_checkpoint(path)
    [key] = [key for key in reader.get_variable_to_shape_map() if "py_state" in key]
    layout = json.loads(reader.get_tensor(key))
    assert layout["optimizer"] == "Adam"
    assert layout["slots"] == ["m", "v"]
    assert [name.split("/")[-2] for name in layout["names"]] == ["user", "item"]
    assert layout["shapes"] == [[ROWS, 2], [ROWS, 2]]


def test_an_optimizer_saved_without_its_model_is_refused(tmp_path: Path) -> None:
    model = pair(optimizers.Adam())
    fit(model, 1)
    for _ in range(2):  # also after one that was right
        with pytest.raises(ValueError, match=r"`Checkpoint` must hold the model .*user.*item"):
            tf.train.Checkpoint(optimizer=model.optimizer).save(str(tmp_path / "c"))
        tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(str(tmp_path / "c"))


def test_a_column_that_is_new_starts_afresh_and_the_others_go_on(tmp_path: Path) -> None:
    class Triple(Pair):
        def __init__(self) -> None:
            super().__init__(("item", "user"))
            self.extra = tf.keras.layers.Embedding(ROWS, 2, name="extra")

        def call(self, ids: tf.Tensor) -> tf.Tensor:
            return super().call(ids) + 0 * tf.reduce_sum(self.extra(ids[:, 0]), axis=1)

    model = pair(optimizers.Adam(0.1))
    fit(model, 3)
    again = Triple()
    again.compile(optimizers.Adam(0.1), "mse")
    fit_nothing(again)
    by_weights(model, again, tmp_path)
    fit(model, 2)
    fit(again, 2)
    for table, values in tables(model).items():
        np.testing.assert_allclose(tables(again)[table], values, rtol=1e-5, atol=1e-6)


def test_the_state_of_another_optimizer_is_left_with_a_warning(tmp_path: Path) -> None:
    model = pair(optimizers.Adagrad(0.1))
    fit(model, 1)
    again = pair(optimizers.Adam(0.1))
    fit_nothing(again)
    with pytest.warns(UserWarning, match=r"state of `Adagrad`; `Adam` starts with fresh"):
        by_weights(model, again, tmp_path)
    for table, values in tables(model).items():
        np.testing.assert_array_equal(tables(again)[table], values)
    assert all((slot.numpy() == 0).all() for slot in again.optimizer.variables[1:])


def test_the_state_of_a_tf_keras_optimizer_is_left_with_a_warning(tmp_path: Path) -> None:
    model = pair(tf.keras.optimizers.Adam(0.1))
    fit(model, 1)
    again = pair(optimizers.Adam(0.1))
    fit_nothing(again)
    with pytest.warns(UserWarning, match="by position, as tf_keras' optimizers save it; `Adam`"):
        by_weights(model, again, tmp_path)
    for table, values in tables(model).items():
        np.testing.assert_array_equal(tables(again)[table], values)
    assert all((slot.numpy() == 0).all() for slot in again.optimizer.variables[1:])


def test_slots_can_be_skipped_as_tensorflow_offers(tmp_path: Path) -> None:
    model = pair(optimizers.Adam(0.1))
    fit(model, 1)
    path = tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(str(tmp_path / "c"))
    again = pair(optimizers.Adam(0.1))
    fit_nothing(again)
    skip = tf.train.CheckpointOptions(experimental_skip_slot_variables=True)
    checkpoint = tf.train.Checkpoint(model=again, optimizer=again.optimizer)
    checkpoint.restore(path, options=skip).assert_consumed()
    assert again.optimizer.iterations.numpy() == 2
    assert all((slot.numpy() == 0).all() for slot in again.optimizer.variables[1:])


def test_a_manager_rolls_back_to_any_of_its_checkpoints(tmp_path: Path) -> None:
    model = pair(optimizers.Adam(0.1))
    fit(model, 1)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    manager = tf.train.CheckpointManager(checkpoint, str(tmp_path), max_to_keep=2)
    early = manager.save()
    fit(model, 2)
    trained_on = tables(model)
    manager.save()
    checkpoint.restore(early).assert_consumed()
    fit(model, 2)
    for table, values in trained_on.items():
        np.testing.assert_array_equal(tables(model)[table], values)


def test_a_checkpoint_written_in_the_background_holds_the_slots(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = pair(optimizers.Adam(0.1))
    fit(model, 2)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=model.optimizer)
    options = tf.train.CheckpointOptions(enable_async=True)
    path = checkpoint.save(str(tmp_path / "c"), options=options)
    checkpoint.sync()
    assert "Slots" not in caplog.text  # TensorFlow logs what it skips
    again = pair(optimizers.Adam(0.1), ("item", "user"))
    fit_nothing(again)
    tf.train.Checkpoint(model=again, optimizer=again.optimizer).restore(path).assert_consumed()
    fit(model, 2)
    fit(again, 2)
    for table, values in tables(model).items():
        np.testing.assert_allclose(tables(again)[table], values, rtol=1e-5, atol=1e-6)


def test_a_loss_scale_reads_what_a_plain_optimizer_wrote(tmp_path: Path) -> None:
    model = pair(optimizers.Adam(0.1))
    fit(model, 2)
    again = pair(MAKERS["loss scale"](), ("item", "user"))
    fit_nothing(again)
    by_weights(model, again, tmp_path)
    fit(model, 2)
    fit(again, 2)
    for table, values in tables(model).items():
        np.testing.assert_allclose(tables(again)[table], values, rtol=1e-5, atol=1e-6)


def test_training_that_broke_off_resumes_through_backup_and_restore(tmp_path: Path) -> None:
    class Break(tf.keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise InterruptedError

    def run(model: tf.keras.Model, *callbacks: tf.keras.callbacks.Callback) -> None:
        backup = tf.keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
        model.fit(
            IDS, LABELS, batch_size=2, epochs=4, shuffle=False, verbose=0,
            callbacks=[backup, *callbacks],
        )  # fmt: skip

    tf.keras.utils.set_random_seed(3)
    whole = pair(optimizers.Adam(0.1))
    fit(whole, 4)
    tf.keras.utils.set_random_seed(3)
    with pytest.raises(InterruptedError):
        run(pair(optimizers.Adam(0.1)), Break())
    resumed = pair(optimizers.Adam(0.1))
    fit_nothing(resumed)
    run(resumed)
    for table, values in tables(whole).items():
        np.testing.assert_array_equal(tables(resumed)[table], values)


def sharded(order: tuple[str, str], optimizer: Any) -> tuple[tf.Module, list[tf.Variable]]:
    """Tables in two shards each, as a parameter server strategy makes them."""
    module = tf.Module()
    shards = []
    for name in order:
        parts = [tf.Variable(tf.ones([3, 2]), name=f"{name}/part_{part}") for part in range(2)]
        setattr(module, name, tf.__internal__.distribute.ShardedVariable(parts, name=name))
        shards += parts
    optimizer.build(shards)
    return module, shards


def test_slots_of_sharded_tables_follow_them_and_merge(tmp_path: Path) -> None:
    first, second = optimizers.Adam(0.1), optimizers.Adam(0.1)
    module, shards = sharded(("user", "item"), first)
    for factor, shard in enumerate(shards, start=1):
        first.apply_gradients([(tf.IndexedSlices([[1.0 * factor] * 2], [1], [3, 2]), shard)])
    path = tf.train.Checkpoint(model=module, optimizer=first).save(str(tmp_path / "c"))
    other, other_shards = sharded(("item", "user"), second)
    tf.train.Checkpoint(model=other, optimizer=second).restore(path).assert_consumed()
    by_name = dict(zip([shard.name for shard in shards], first._momentums, strict=True))
    for shard, slot in zip(other_shards, second._momentums, strict=True):
        np.testing.assert_array_equal(slot.numpy(), by_name[shard.name].numpy())
    merged = tf.Module()
    merged.user, merged.item = tf.Variable(tf.ones([6, 2])), tf.Variable(tf.ones([6, 2]))
    alone = optimizers.Adam(0.1)
    alone.build([merged.item, merged.user])
    tf.train.Checkpoint(model=merged, optimizer=alone).restore(path).assert_consumed()
    expected = np.concatenate([slot.numpy() for slot in first._momentums[2:]])
    np.testing.assert_array_equal(alone._momentums[0].numpy(), expected)
