from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.optimizers.test_checkpoint import IDS, fit, fit_nothing, pair, swapped, tables
from tfrs_afm import optimizers
from tfrs_afm.optimizers._layout import Layout


def layout(*names: str, shape: tuple[int, ...] = (4, 2)) -> Layout:
    return Layout("Adam", ("m", "v"), names, (shape,) * len(names))


def test_a_layout_comes_back_from_json() -> None:
    written = layout("a/table:0", "b/table:0")
    assert Layout.from_json(written.to_json()) == written


def test_names_decide_where_they_differ() -> None:
    saved = layout("user/table:0", "item/table:0", "bias:0")
    assert layout("bias:0", "user/table:0", "item/table:0").positions_in(saved) == [2, 0, 1]


def test_order_decides_among_names_that_keras_numbered_anew() -> None:
    saved = layout("dense/kernel:0", "dense_1/kernel:0", "user/table:0")
    here = layout("user/table:0", "dense_7/kernel:0", "dense_8/kernel:0")
    assert here.positions_in(saved) == [2, 0, 1]


def test_the_scope_that_all_names_share_does_not_count() -> None:
    saved = layout("afm_2/embed/user:0", "afm_2/embed/item:0", "afm_2/bias:0")
    assert layout("bias:0", "embed/item:0", "embed/user:0").positions_in(saved) == [2, 1, 0]


def test_the_models_own_name_does_not_count_where_only_some_names_have_it() -> None:
    called = layout("ranker_1/user/table", "ranker_1/item/table", "dense_3/kernel")
    trained = layout("item/table", "user/table", "dense/kernel")
    assert called.positions_in(trained) == [1, 0, 2]
    assert trained.positions_in(called) == [1, 0, 2]
    swapped = layout("ranker_1/item/table", "ranker_1/dense/kernel", "ranker_1/user/table")
    assert trained.positions_in(swapped) == [0, 2, 1]


def test_scopes_around_a_layer_do_not_count_where_the_order_is_the_same() -> None:
    """As a run of `pipelines` saves it, and as Keras builds it while it loads the file."""
    names = ("embed/item/table", "embed/user/table", "afm/projection", "afm/linear/bias")
    saved = layout(*(f"afm_1/{name}" for name in names))
    here = layout("item/table", "user/table", "projection", "afm_1/afm/linear_4/bias")
    assert here.positions_in(saved) == [0, 1, 2, 3]
    assert saved.positions_in(here) == [0, 1, 2, 3]
    for other in (
        layout("user/table", "item/table", "projection", "afm_1/afm/linear_4/bias"),
        layout("m/table", "user/table", "projection", "afm_1/afm/linear_4/bias"),
        layout("tem/table", "user/table", "projection", "afm_1/afm/linear_4/bias"),
        layout("item/table", "user/table", "projection"),
    ):
        with pytest.raises(ValueError, match=r"`variables` must be those the saved"):
            other.positions_in(saved)


def test_a_layer_that_was_renamed_is_no_evidence_of_a_swap() -> None:
    saved = layout("old/dense/kernel:0", "dense/kernel:0")
    here = layout("new/dense/kernel:0", "dense/kernel:0")
    here.refuse_swap(saved, list(zip(saved.names, here.names, strict=True)))


def test_names_in_each_others_place_are_refused_under_any_scope() -> None:
    saved = layout("user/table:0", "item/table:0")
    here = layout("model_1/item/table:0", "model_1/user/table:0")
    with pytest.raises(ValueError, match=r"'model_1/item/table:0' in the place of 'user/table:0'"):
        here.refuse_swap(saved, list(zip(saved.names, here.names, strict=True)))


@pytest.mark.parametrize(
    "here",
    [
        layout("user/table:0", "bias:0"),
        layout("user/table:0", "item/table:0", "city/table:0", "bias:0"),
        layout("user/table:0", "city/table:0", "bias:0"),
        layout("user/table:0", "item/table:0", "bias:0", shape=(5, 2)),
    ],
    ids=["fewer", "more", "others", "other shapes"],
)
def test_other_variables_are_refused(here: Layout) -> None:
    with pytest.raises(ValueError, match=r"^`variables` must be those .* Received: variables=\["):
        here.positions_in(layout("user/table:0", "item/table:0", "bias:0"))


def test_numbered_names_in_another_order_are_refused() -> None:
    with pytest.raises(ValueError, match="give each its own name"):
        layout("dense_1/kernel:0", "dense/kernel:0").positions_in(
            layout("dense/kernel:0", "dense_1/kernel:0")
        )


@pytest.mark.parametrize("built", [False, True], ids=["loaded first", "built first"])
def test_state_in_a_keras_file_follows_its_table_when_tables_change_order(
    built: bool, tmp_path: Path
) -> None:
    model = pair(optimizers.Adam(0.1))
    fit(model, 3)
    again = pair(optimizers.Adam(0.1), ("item", "user"))
    again(IDS)
    if built:
        fit_nothing(again)
    model.save_weights(str(tmp_path / "all.weights.h5"), save_format="h5")
    again.load_weights(str(tmp_path / "all.weights.h5"))
    fit(model, 2)
    fit(again, 2)
    assert swapped(again)
    for table, values in tables(model).items():
        np.testing.assert_allclose(tables(again)[table], values, rtol=1e-5, atol=1e-6)


def test_a_keras_file_of_other_tables_changes_nothing(tmp_path: Path) -> None:
    model = pair(optimizers.Adam(0.1))
    fit(model, 1)
    store: dict[str, np.ndarray] = {}
    model.optimizer.save_own_variables(store)
    other = optimizers.Adam(0.1)
    other.build([tf.Variable(tf.ones([8, 2]), name="city")])
    with pytest.raises(ValueError, match=r"^`variables` must be those .* saved=\[.*user/"):
        other.load_own_variables(store)
    assert other.iterations.numpy() == 0


def test_a_keras_file_of_a_tf_keras_optimizer_is_left_with_a_warning() -> None:
    model = pair(tf.keras.optimizers.Adam(0.1))
    fit(model, 1)
    store: dict[str, np.ndarray] = {}
    model.optimizer.save_own_variables(store)
    other = pair(optimizers.Adam(0.1))
    fit_nothing(other)
    with pytest.warns(UserWarning, match="by position, as tf_keras' optimizers save it; `Adam`"):
        other.optimizer.load_own_variables(store)
    assert all((slot.numpy() == 0).all() for slot in other.optimizer.variables)


def test_a_keras_file_of_another_optimizer_is_left_with_a_warning() -> None:
    model = pair(optimizers.Adagrad(0.1))
    fit(model, 1)
    store: dict[str, np.ndarray] = {}
    model.optimizer.save_own_variables(store)
    other = pair(optimizers.Adam(0.1))
    fit_nothing(other)
    with pytest.warns(UserWarning, match="state of `Adagrad`; `Adam` starts with fresh"):
        other.optimizer.load_own_variables(store)
    assert other.optimizer.iterations.numpy() == 2
