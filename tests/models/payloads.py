"""Model files that do something when Keras loads them, its `safe_mode` at the default.

What they do is harmless: each makes a marker, which tells that code ran.
"""

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tensorflow as tf

PLAIN = {"name": "x", "batch_input_shape": [None, 1], "dtype": "float32", "sparse": False}


def entry(class_name: str, config: Any, module: str | None = "keras.layers", **more: Any) -> Any:
    """An object as config.json has it."""
    named = {"module": module, "class_name": class_name, "config": config}
    return {**named, "registered_name": None, **more}


def functional(layer: dict[str, Any], constant: Any) -> dict[str, Any]:
    """A model of an input, and a layer that is called on a constant while it is loaded."""
    called = {**layer, "name": "task", "inbound_nodes": [[["_CONSTANT_VALUE", -1, constant, {}]]]}
    first = {**entry("InputLayer", PLAIN), "name": "x", "inbound_nodes": []}
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["x", 0, 0]]}
    config = {"name": "model", "trainable": True, "layers": [first, called], **ends}
    return entry("Functional", config, "keras.src.engine.functional", registered_name="Functional")


def write(config: dict[str, Any], file: Path) -> Path:
    """A `.keras` file of a configuration, with the weights of a model that has none."""
    empty = tf.keras.Sequential([tf.keras.Input([1])])
    empty.save(file)
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file


def by_function(module: str, name: str, constant: str, registered: str | None = None) -> Any:
    """A Lambda layer around a function that is named by its module, called on a constant."""
    function = {"module": module, "class_name": "function", "config": name}
    function["registered_name"] = registered or name
    kinds = {"function_type": "function", "output_shape_type": "raw", "output_shape": None}
    config = {"name": "task", "function": function, "arguments": {}, **kinds}
    return functional(entry("Lambda", config), constant)


def made_by(operation: str, constant: str) -> Any:
    """A layer that calls an operation of TensorFlow by its name."""
    module, config = "keras.src.layers.core.tf_op_layer", {"name": "task", "function": operation}
    layer = entry("TFOpLambda", config, module, registered_name="TFOpLambda")
    model = functional(layer, constant)
    (node,) = model["config"]["layers"][1]["inbound_nodes"][0]
    model["config"]["layers"][1]["inbound_nodes"] = [node]
    return model


def lambda_model(marker: Path) -> Any:
    """A model with the code of a lambda; running it is what makes the marker."""

    def code(x: Any, marker: str = str(marker)) -> Any:
        __import__("os").system(f"touch {marker}")
        return x

    code.__name__ = "<lambda>"  # which Keras stores as byte code
    return tf.keras.Sequential([tf.keras.Input([1]), tf.keras.layers.Lambda(code)])


def hdf5(file: Path, marker: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Keras calls the format a legacy
        lambda_model(marker).save(file.with_suffix(".h5"), save_format="h5")
    marker.unlink()
    return file.with_suffix(".h5").rename(file)


def saved_model(file: Path, marker: Path) -> Path:
    lambda_model(marker).save(file, save_format="tf")
    marker.unlink()
    return file


_OS = ("os", "system"), ("subprocess", "getoutput"), ("keras.src.utils.data_utils", "os.system")

PAYLOADS: dict[str, Callable[[Path, Path], Path]] = {
    **{
        f"{module}.{name}": lambda file, marker, module=module, name=name: write(
            by_function(module, name, f"touch {marker}"), file
        )
        for module, name in _OS
    },
    "a registered name": lambda file, marker: write(
        by_function("os", "none", f"touch {marker}", registered="system"), file
    ),
    "a built-in": lambda file, marker: write(
        by_function("builtins", "eval", f"__import__('os').system('touch {marker}')"), file
    ),
    "an operation": lambda file, marker: write(made_by("io.gfile.mkdir", str(marker)), file),
    "HDF5 named keras": hdf5,
    "HDF5": lambda file, marker: hdf5(file.with_suffix(".hdf5"), marker),
    "a folder": lambda file, marker: saved_model(file.with_suffix(""), marker),
}
"""What is made, from the path of a model and that of a marker."""
