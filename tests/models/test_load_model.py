"""A model file runs nothing when it is loaded, whatever is in it and whoever loads it."""

import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tensorflow as tf

import pipelines.__main__
import serving.__main__
import tfrs_afm
from pipelines.modelling.build_model import load_model as load_run_model
from tests.models.payloads import PAYLOADS, entry, functional, write
from tfrs_afm.models import load_model

ARCHIVE = Path(__file__).parent.parent / "compatibility/before_the_merged_rooms.tar.xz"
REFUSED = r"`.*` must .*Received: .*model.*"
OPERATIONS = "tf_keras.src.layers.core.tf_op_layer"
Load = Callable[[Path], Any]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


def afm() -> Any:
    fc = tf.feature_column
    film = fc.categorical_column_with_identity("film", 9)
    return tfrs_afm.models.AFM([fc.embedding_column(film, 4)])


def carry(file: Path) -> None:
    tfrs_afm.growth.carry_over(file, afm())


@pytest.mark.parametrize("load", [load_model, load_run_model, carry])
@pytest.mark.parametrize("name", PAYLOADS)
def test_no_loader_runs_what_a_file_holds(name: str, load: Load, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    file = PAYLOADS[name](tmp_path / "model.keras", marker)
    with pytest.raises(ValueError, match=REFUSED):
        load(file)
    assert not marker.exists()


def test_the_payloads_are_real(tmp_path: Path) -> None:
    """Without the check they run: otherwise the test above would show nothing."""
    marker = tmp_path / "marker"
    file = PAYLOADS["os.system"](tmp_path / "model.keras", marker)
    with pytest.raises(AttributeError):
        tf.keras.models.load_model(file)
    assert marker.exists()


@pytest.mark.parametrize("name", ["os.system", "HDF5 named keras"])
@pytest.mark.parametrize("command", ["evaluate", "predict", "report", "export", "train"])
def test_no_command_of_a_run_runs_what_its_model_holds(
    command: str,
    name: str,
    release: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(release)
    marker = tmp_path / "marker"
    PAYLOADS[name](release / "run" / "model.keras", marker)
    words = ["--out", "run"]
    if command == "train":
        new = str(tmp_path / "new")
        words = ["--config", "clicks.toml", "--out", new, "--warm-start", "run"]
    assert pipelines.__main__.main([command, *words]) == 1
    assert "model.keras" in capfd.readouterr().err
    assert not marker.exists()


@pytest.mark.parametrize("name", PAYLOADS)
def test_the_exporter_runs_nothing_of_a_file(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    marker = tmp_path / "marker"
    file = PAYLOADS[name](tmp_path / "model.keras", marker)
    assert serving.__main__.main(["export", str(file), str(tmp_path / "versions")]) == 1
    assert str(file) in capsys.readouterr().err
    assert not marker.exists()


def named(module: Any, name: str, registered: str | None = None, **more: Any) -> dict[str, Any]:
    found = {"module": module, "class_name": "function", "config": name}
    return {**found, "registered_name": registered or name, **more}


def operation(name: str, module: str = OPERATIONS, **more: Any) -> dict[str, Any]:
    config = {"name": "x", "function": name}
    return entry("TFOpLambda", config, module, **{"registered_name": "TFOpLambda", **more})


REFUSED_OBJECTS = [
    named("os", "system"),
    named("os", "system", "relu"),
    named("builtins", "relu", "eval"),
    named("keras.activations", "relu", "os"),
    named("builtins", "eval"),
    named("builtins", "deserialize"),
    named("keras.src.utils.data_utils", "os.system"),
    named("keras.utils", "get_file"),
    named("keras.models", "load_model"),
    named("kerasish", "f"),
    named("tfrs_afm.models.load_model", "load_model"),
    named("tfrs_afm._host", "layers_of"),
    entry("Popen", {}, "subprocess"),
    entry("load_model", {}, "keras.models"),
    entry("Nothing", {}, "keras.src.layers.core.lambda_layer", registered_name="Lambda"),
    entry("Lambda", {}, None),
    entry("keras>Lambda", {}, None),
    entry("ReloadedLayer", {"filepath": "x"}, "keras.src.export.export_lib"),
    entry("CustomObjectScope", {}, "keras.utils"),
    entry("__lambda__", {"value": []}, None),
    {**entry("__typespec__", [], "subprocess"), "spec_name": "Popen"},
    {"module": "os", "config": {}},
    operation("io.read_file"),
    operation("io.gfile.makedirs"),
    operation("math.add", module="subprocess"),
    operation("math.add", registered_name="Lambda"),
    operation("py_function"),
    operation("raw_ops.math.add"),
]


@pytest.mark.parametrize("hidden", REFUSED_OBJECTS, ids=str)
@pytest.mark.parametrize("where", ["config", "build_config", "compile_config"])
def test_nothing_but_known_classes_may_be_named_anywhere(
    hidden: dict[str, Any], where: str, tmp_path: Path
) -> None:
    deep: Any = {"a": [{"b": [[hidden]]}]}
    config = {**functional(entry("Dense", {"units": 1}), 0), **{where: deep}}
    with pytest.raises(ValueError, match=r"`path` must .* Received: path=.*model\.keras"):
        load_model(write(config, tmp_path / "model.keras"))


def test_the_message_names_file_module_and_way_out(tmp_path: Path) -> None:
    file = write(entry("Layer", {}, "mine.layers"), tmp_path / "model.keras")
    text = r"path=.*/model\.keras with 'Layer' of module 'mine\.layers'.*"
    text += r"allow_modules=\['mine\.layers'\].*--allow_module mine\.layers"
    with pytest.raises(ValueError, match=text):
        load_model(file)


def own_module(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / f"{name}.py").write_text(
        "import tensorflow as tf\n"
        "@tf.keras.utils.register_keras_serializable(package='own')\n"
        f"class {name.title()}(tf.keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return 2 * x\n"
    )
    monkeypatch.syspath_prepend(folder)


def test_a_class_of_ones_own_is_loaded_once_it_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_module(tmp_path, "doubles", monkeypatch)
    layer = entry("Doubles", {"name": "d"}, "doubles", registered_name="own>Doubles")
    first = entry("InputLayer", {"batch_input_shape": [None, 1], "dtype": "float32", "name": "x"})
    file = write(
        entry("Sequential", {"name": "s", "layers": [first, layer]}, "keras"),
        tmp_path / "model.keras",
    )
    with pytest.raises(ValueError, match=r"'own>Doubles' of module 'doubles'"):
        load_model(file)
    loaded = load_model(file, allow_modules=["doubles"])
    np.testing.assert_array_equal(loaded(tf.constant([[3.0]])), [[6.0]])
    load_model(file)  # which the program has imported by now
    made = type(loaded.layers[-1])
    monkeypatch.setattr(tf.keras.utils, "get_registered_object", lambda name: None)
    assert load_model(file, {"own>Doubles": made}).layers[-1].name == "d"
    with pytest.raises(ValueError, match=r"`allow_modules` must be modules that can be imported"):
        load_model(file, allow_modules=["no.such.module"])


def test_a_keras_model_with_its_functions_optimizer_and_schedule_is_loaded(tmp_path: Path) -> None:
    keras = tf.keras
    model = keras.Sequential(
        [
            keras.Input([3]),
            keras.layers.Dense(4, "relu", kernel_regularizer="l2", kernel_constraint="max_norm"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(1, keras.activations.tanh, kernel_initializer="zeros"),
        ]
    )
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    loss, metrics = keras.losses.Huber(), [keras.metrics.AUC(), "mae"]
    model.compile(keras.optimizers.Adam(rate), loss, metrics)
    model.fit(np.ones([4, 3]), np.ones([4, 1]), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras", compile=True)
    np.testing.assert_array_equal(loaded(np.ones([2, 3])), model(np.ones([2, 3])))
    assert int(loaded.optimizer.iterations) == 1


def test_arithmetic_between_the_tensors_of_a_functional_model_is_loaded(tmp_path: Path) -> None:
    x = tf.keras.Input([3])
    y = tf.keras.layers.Dense(3)(x)
    z = tf.concat([x + y, tf.reshape(x * 2.0, [-1, 3]), tf.math.exp(y)], 1)[:, 1:]
    model = tf.keras.Model(x, tf.reduce_sum(z, 1) + tf.nn.relu(x)[:, 0])
    model.save(tmp_path / "model.keras")
    given = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(load_model(tmp_path / "model.keras")(given), model(given))


def rewritten(file: Path, **parts: bytes) -> Path:
    with zipfile.ZipFile(file) as archive:
        known = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in {**known, **parts}.items():
            archive.writestr(name, content)
    return file


@pytest.mark.parametrize("kind", ["link", "dataset"])
def test_weights_that_are_another_file_are_refused(kind: str, tmp_path: Path) -> None:
    file, weights = tmp_path / "model.keras", tmp_path / "weights.h5"
    model = afm()
    model({"film": tf.constant([1])})
    model.save(file)
    (tmp_path / "secret").write_bytes(bytes(64))
    with h5py.File(weights, "w") as made:
        if kind == "link":
            made["vars"] = h5py.ExternalLink("secret", "/")
        else:
            external = [("secret", 0, 64)]
            made.create_dataset("a/b", (16,), "float32", external=external)
    rewritten(file, **{"model.weights.h5": weights.read_bytes()})
    with pytest.raises(ValueError, match=r"`path` must hold its own weights\. .*model\.keras"):
        load_model(file)


@pytest.mark.parametrize("damage", ["cut", "text", "no config", "nested", "a list", "no weights"])
def test_a_damaged_file_is_named(damage: str, tmp_path: Path) -> None:
    file = tmp_path / "model.keras"
    model = afm()
    model({"film": tf.constant([1])})
    model.save(file)
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-40])
    elif damage == "text":
        file.write_text("model")
    elif damage == "no config":
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("metadata.json", "{}")
    elif damage == "nested":
        rewritten(file, **{"config.json": b"[" * 100_000})
    elif damage == "a list":
        rewritten(file, **{"config.json": json.dumps([1]).encode()})
    else:
        rewritten(file, **{"model.weights.h5": b"none"})
    with pytest.raises(ValueError, match=r"Received: path=.*model\.keras"):
        load_model(file)
