"""Each private name of TensorFlow and tf_keras that is used, one test a name."""

import contextlib
import functools
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tfrs_afm import _host

ROOT = Path(__file__).parents[1]
NAMES = [(place, name) for place, names in _host.PRIVATE_NAMES.items() for name in names.split()]


@pytest.mark.parametrize(("place", "name"), NAMES)
def test_the_name_is_there_and_its_loss_is_an_import_error_that_names_it(
    place: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hasattr(functools.reduce(getattr, place.split(".")[1:], tf), name)
    monkeypatch.setattr(_host, "PRIVATE_NAMES", {place: f"{name}_of_yesterday"})
    with pytest.raises(ImportError, match=f"must have {place}.{name}_of_yesterday. Received: "):
        _host.require_private_names()


@pytest.mark.parametrize("name", ["pipelines", "serving"])
@pytest.mark.parametrize("file", ["__init__.py", "../{name}.py"])
def test_a_namesake_of_our_packages_is_told(
    name: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _host.warn_of_namesakes()
    (tmp_path / name).mkdir()
    (tmp_path / name / file.format(name=name)).touch()
    if file.startswith(".."):
        (tmp_path / name).rmdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.warns(RuntimeWarning, match=rf"`import {name}` must find .*{tmp_path}.*Rename"):
        _host.warn_of_namesakes()


def test_a_folder_of_the_name_that_is_no_package_hides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "serving").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "serving", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _host.warn_of_namesakes()


def test_layers_inside_layers_are_found() -> None:
    inner = tf.keras.layers.Dense(1)
    model = tf.keras.Sequential([tf.keras.Sequential([inner])])
    assert any(layer is inner for layer in _host.layers_of(model))


def test_a_layer_draws_from_the_generator_it_was_given() -> None:
    class Ones(_host.RandomGenerator):  # type: ignore[misc]
        def dropout(self, inputs: Any, rate: float, noise_shape: Any = None) -> Any:
            return tf.ones_like(inputs) * 7.0

    layer = tf.keras.layers.Dropout(0.5)
    assert _host.random_generator(tf.keras.layers.Dense(1)) is None
    assert isinstance(_host.random_generator(layer), _host.RandomGenerator)
    _host.put_random_generator(layer, Ones())
    np.testing.assert_array_equal(layer(tf.zeros([2]), training=True), [7.0, 7.0])


def test_a_metric_reports_under_its_new_name() -> None:
    metric = tf.keras.metrics.Mean("loss")
    _host.rename_metric(metric, "click_loss")
    assert metric.name == "click_loss"


@pytest.mark.parametrize("buckets", [0, 2])
def test_the_words_of_a_lookup_table_can_be_read(buckets: int) -> None:
    words = tf.lookup.KeyValueTensorInitializer(["a", "b"], tf.constant([0, 1], tf.int64))
    table: Any = (
        tf.lookup.StaticVocabularyTable(words, buckets)
        if buckets
        else tf.lookup.StaticHashTable(words, -1)
    )
    assert sorted(_host.word_table(table).export()[0].numpy().tolist()) == [b"a", b"b"]


@pytest.mark.parametrize(
    ("optimizer", "kinds"),
    [
        (tf.keras.optimizers.Adam(amsgrad=True), ("momentums", "velocities", "velocity_hats")),
        (tf.keras.optimizers.Adagrad(), ("accumulators",)),
        (tf.keras.optimizers.Ftrl(), ("accumulators", "linears")),
        (tf.keras.optimizers.SGD(momentum=0.9), ("momentums",)),
    ],
    ids=["adam", "adagrad", "ftrl", "sgd"],
)
def test_the_slots_of_a_variable_are_found(optimizer: Any, kinds: tuple[str, ...]) -> None:
    first, second, other = (tf.Variable(tf.zeros([n])) for n in (2, 3, 4))
    optimizer.build([first, second])
    assert _host.slot_index(optimizer, second) == 1
    assert _host.slot_index(optimizer, other) is None
    assert _host.all_slots(optimizer, other) == {}
    found = _host.all_slots(optimizer, second)
    for kind in kinds:
        assert found[kind].shape == [3]
        if kind != "momentums" or len(kinds) > 1:  # SGD calls its list by a public name
            assert _host.slots(optimizer, second, kind)[0] is found[kind]


def test_the_trackable_classes_are_those_that_checkpoints_know() -> None:
    assert issubclass(_host.AutoTrackable, _host.Trackable)
    assert isinstance(tf.Module(), _host.AutoTrackable)
    assert _host.ShardedVariable([tf.Variable([1.0]), tf.Variable([2.0])]).shape == [2]


def test_a_tape_is_known_to_record() -> None:
    assert not _host.may_record()
    with tf.GradientTape():
        assert _host.may_record()


def test_a_tape_watches_a_variable_that_it_is_told_of() -> None:
    variable = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        _host.variable_accessed(variable)
    assert tape.watched_variables() == (variable,)


def test_a_traced_function_has_a_graph_of_that_class() -> None:
    traced = tf.function(lambda: tf.constant(1.0)).get_concrete_function()
    assert isinstance(traced.graph, _host.FuncGraph)


def test_saving_is_known(tmp_path: Path) -> None:
    seen: list[bool] = []
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([])])
    def one(x: Any) -> Any:
        seen.append(_host.is_saving())
        if not seen[-1]:  # so that it is traced again where a SavedModel is written
            tf.compat.v1.get_default_graph().mark_as_unsaveable("not this one")
        return x

    module.one = one
    one(tf.constant(1.0))
    tf.saved_model.save(module, str(tmp_path))
    assert seen == [False, True]


@pytest.mark.parametrize("jit", [True, False])
def test_xla_is_known(jit: bool) -> None:
    seen: list[bool] = []

    @tf.function(jit_compile=jit)
    def one(x: Any) -> Any:
        seen.append(_host.is_under_xla(tf.compat.v1.get_default_graph()))
        return x

    one(tf.constant(1.0))
    assert seen == [jit]


def test_full_precision_is_that_of_the_variables_in_all_parts_of_a_model_and_ends() -> None:
    policy = tf.keras.mixed_precision.Policy("mixed_bfloat16")
    given = tf.keras.Input([3], dtype=tf.float32)
    inner = tf.keras.Sequential(
        [tf.keras.layers.Dense(2, dtype=policy), tf.keras.layers.Dense(1, dtype=policy)]
    )
    inner._set_dtype_policy(policy)  # as under the global policy
    model = tf.keras.Model(given, inner(tf.keras.layers.Dense(4, dtype=policy)(given)))
    values = tf.random.stateless_normal([5, 3], [1, 2])
    expected: Any = values.numpy()
    for variable, offset in zip(model.weights[::2], model.weights[1::2], strict=True):
        expected = expected @ variable.numpy() + offset.numpy()
    rounded = model(values)

    with contextlib.suppress(KeyError), _host.full_precision(model):
        got = model(values)
        raise KeyError
    assert got.dtype == tf.float32
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    again = model(values)
    assert again.dtype == rounded.dtype == tf.bfloat16
    np.testing.assert_array_equal(tf.cast(again, tf.float32), tf.cast(rounded, tf.float32))


FORKS = """
import os
import tfrs_afm
import tensorflow as tf
for _ in range(2):
    if not os.fork():
        print(float(tf.random.uniform([])), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.long
def test_processes_forked_after_the_import_draw_other_numbers() -> None:
    """A layer made by the import drew one, and with it TensorFlow's seed, for all of them."""
    done = subprocess.run(
        [sys.executable, "-c", FORKS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    first, second = done.stdout.split()
    assert first != second
