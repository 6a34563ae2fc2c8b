from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

import tfrs_afm
from tfrs_afm import optimizers

fc = tf.feature_column
NAMES = ["city", "item", "user"]
FEATURES = {
    name: np.random.default_rng(seed).integers(0, 20, 24) for seed, name in enumerate(NAMES)
}
LABELS = np.random.default_rng(9).integers(0, 2, (24, 1)).astype(np.float32)


def model_of(names: list[str], optimizer: Any) -> tfrs_afm.models.AFM:
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(name, 20), 4) for name in names
    ]
    model = tfrs_afm.models.AFM(columns, attention_units=3)
    model.compile(optimizer, run_eagerly=True)  # tracing would take most of the time
    return model


def fit(model: tfrs_afm.models.AFM, epochs: int) -> None:
    data = tf.data.Dataset.from_tensor_slices((FEATURES, LABELS)).batch(8)
    model.fit(data, epochs=epochs, verbose=0)


def test_an_afm_with_its_columns_in_another_order_goes_on_where_it_stopped(
    tmp_path: Path,
) -> None:
    model = model_of(NAMES, optimizers.Adam(0.05))
    fit(model, 2)
    path = tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(str(tmp_path / "c"))
    again = model_of(NAMES[::-1], optimizers.Adam(0.05))
    tf.train.Checkpoint(model=again, optimizer=again.optimizer).restore(path)
    fit(model, 1)
    fit(again, 1)
    np.testing.assert_allclose(again(FEATURES), model(FEATURES), rtol=1e-4, atol=1e-5)


def test_an_afm_with_one_more_column_keeps_the_state_of_the_others(tmp_path: Path) -> None:
    model = model_of(["city", "user"], optimizers.Adagrad(0.05))
    fit(model, 2)
    model.save_weights(str(tmp_path / "w"))
    again = model_of(NAMES, optimizers.Adagrad(0.05))
    again(FEATURES)
    again.optimizer.build(again.trainable_variables)
    again.load_weights(str(tmp_path / "w"))

    def state(of: tfrs_afm.models.AFM) -> dict[str, np.ndarray]:
        slots = zip(of.trainable_variables, of.optimizer._accumulators, strict=True)
        return {
            variable.name.partition("field_embedding")[2].partition("/")[2]: slot.numpy()
            for variable, slot in slots
            if "field_embedding" in variable.name
        }

    before, after = state(model), state(again)
    assert len(before) == 4
    for name, slot in before.items():
        np.testing.assert_array_equal(after[name], slot, err_msg=name)
    new = [slot for name, slot in after.items() if name not in before]
    assert len(new) == 2
    assert all((slot == np.float32(0.1)).all() for slot in new)
