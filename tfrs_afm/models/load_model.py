"""A saved model, loaded without running what a stranger put into its file."""

import contextlib
import importlib
import json
import os
import tempfile
import types
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import h5py
import tensorflow as tf

from tfrs_afm._host import exported_symbol
from tfrs_afm.types import Model

_ROOTS = ("keras", "tf_keras", "tensorflow.keras", "tfrs_afm")
_LARGEST_CONFIG = 1 << 30


def load_model(
    path: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    *,
    allow_modules: Sequence[str] = (),
    compile: bool = False,
) -> Model:
    """Loads a `.keras` file, once it is known to name nothing but layers.

    `tf.keras.models.load_model` imports whatever module a file names, calls what it finds there,
    and runs the code of a Lambda layer, also with `safe_mode`. Here the file is read first. It
    must be a zip, as HDF5 and SavedModel may hold code. Each class must be of Keras or of this
    package, registered by a module that the program has imported, or allowed. A function must be
    one of Keras' activations, losses and so on, registered, or allowed. Lambda layers are never
    loaded, nor layers that call an operation by its name, but for arithmetic and changes of
    shape: what `x + y` and `x[:, 0]` between Keras' tensors become.

    Args:
        path: What `model.save("model.keras")` wrote; also an address that TensorFlow can read.
        custom_objects: Classes and functions of your own by the name they are registered under,
            or their plain name, as for Keras.
        allow_modules: Modules that are imported and whose classes and functions are then allowed,
            as "package.module". Only those that you trust: their code runs.
        compile: Whether optimizer, loss and metrics are restored, too.

    Returns:
        The model.

    Raises:
        ValueError: If there is no such file, it is no `.keras` file, is damaged, or names a class,
            function or module that is not allowed. Nothing in the file has been run then.

    Example:
        >>> import pathlib, tempfile, tfrs_afm
        >>> fc = tf.feature_column
        >>> film = fc.categorical_column_with_identity("film", 20)
        >>> model = tfrs_afm.models.AFM([fc.embedding_column(film, 8)])
        >>> features = {"film": tf.constant([3])}
        >>> scores = model(features)
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "model.keras"
        >>> model.save(file)
        >>> bool(tf.reduce_all(load_model(file)(features) == scores))
        True
    """
    objects = dict(custom_objects or {})
    for module in allow_modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ValueError(
                "`allow_modules` must be modules that can be imported. Received: "
                f"allow_modules={module!r} ({error}). Add its folder to PYTHONPATH."
            ) from error
    with _local(os.fspath(path)) as file:
        _Checker(os.fspath(path), objects, tuple(allow_modules)).check(file)
        try:
            return tf.keras.models.load_model(file, objects, compile=compile)
        except (*_DAMAGE, AttributeError, TypeError, IndexError) as error:
            raise ValueError(
                f"`path` must be a whole model. Received: path={os.fspath(path)}, which does not "
                f"load ({type(error).__name__}: {error}). Save the model again, with the versions "
                "that are installed here."
            ) from error


_DAMAGE = (zipfile.BadZipFile, zlib.error, OSError, EOFError, KeyError, NotImplementedError)


@contextlib.contextmanager
def _local(path: str) -> Iterator[str]:
    """Yields a file on this machine, so that what is checked is what is loaded."""
    if not tf.io.gfile.exists(path):
        raise ValueError(
            f"`path` must be a .keras file. Received: path={path}, which is not there. Save the "
            "model with `model.save('model.keras')`."
        )
    if tf.io.gfile.isdir(path) or not path.endswith(".keras"):
        kind = "a folder" if tf.io.gfile.isdir(path) else "a file of another kind"
        raise ValueError(_not_keras(path, kind))
    if "://" not in path:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = os.path.join(folder, "model.keras")
        tf.io.gfile.copy(path, copy)
        yield copy


def _not_keras(path: str, kind: str) -> str:
    return (
        f"`path` must be a .keras file, which is a zip. Received: path={path}, {kind}. SavedModel "
        "and HDF5 can hold code that runs when they are loaded: load a model that you trust with "
        "tf.keras, and save it with `model.save('model.keras')`."
    )


class _Checker:
    """Refuses a file that names more than layers.

    Args:
        path: The file, for messages.
        objects: Custom objects, by name.
        modules: Allowed modules.
    """

    def __init__(self, path: str, objects: Mapping[str, Any], modules: tuple[str, ...]) -> None:
        self._path, self._objects, self._modules = path, objects, modules

    def check(self, file: str) -> None:
        """Reads all that Keras would act on.

        Args:
            file: The file.

        Raises:
            ValueError: If it is not a whole zip, or names something that is not allowed.
        """
        if not zipfile.is_zipfile(file):
            raise ValueError(_not_keras(self._path, "which is no zip"))
        try:
            with zipfile.ZipFile(file) as archive:
                size = archive.getinfo("config.json").file_size
                if size > _LARGEST_CONFIG:
                    raise OSError(f"config.json of {size} bytes")
                config = json.loads(archive.read("config.json"))
                outside = [
                    place
                    for name in archive.namelist()
                    if name.endswith(".h5")
                    for place in _outside(archive, name)
                ]
        except (*_DAMAGE, ValueError, RuntimeError) as error:  # too deep is a RuntimeError
            raise ValueError(
                f"`path` must be a whole .keras file. Received: path={self._path} "
                f"({type(error).__name__}: {error}). Copy it or save the model again."
            ) from error
        if outside:
            raise ValueError(
                f"`path` must hold its own weights. Received: path={self._path}, whose "
                f"'{outside[0]}' is in another file. Save the model again."
            )
        waiting = [config]
        while waiting:
            part = waiting.pop()
            if isinstance(part, dict):
                self._check_entry(part)
                waiting += part.values()
            elif isinstance(part, list):
                waiting += part

    def _check_entry(self, entry: dict[str, Any]) -> None:
        name, module = entry.get("class_name"), entry.get("module")
        if _calculates(entry):
            return
        if isinstance(name, str) and name.rpartition(">")[2] in _CODE:
            raise ValueError(self._calls_code(name))
        if not isinstance(module, str):
            return  # such a name is looked up in Keras' own tables
        function = name == "function"
        key = entry.get("config") if function else entry.get("registered_name") or name
        if isinstance(key, str):
            if key in self._objects:
                return
            known = tf.keras.utils.get_registered_object(key)
            if known is not None and (module == known.__module__ or _within(module, _ROOTS)):
                return  # Keras takes what is registered, wherever it is
        names = [entry.get("spec_name") if name == "__typespec__" else name, key]
        if function:  # Keras looks under either name, and writes the same as both
            names = [key] if entry.get("registered_name") in (None, key) else []
        found = self._found(module, names)
        for one in found:
            if any(base.__name__ in _CODE for base in getattr(one, "__mro__", ())):
                raise ValueError(self._calls_code(one.__name__))
        if not found or not all(self._allowed(one) for one in found):
            raise ValueError(
                "`path` must name what is of Keras or tfrs_afm, as all that it names is imported "
                f"and called. Received: path={self._path} with '{key}' of module '{module}'. If "
                "you trust the file, register that class or function with "
                "@tf.keras.utils.register_keras_serializable, and give `custom_objects` or "
                f"allow_modules=['{module}'] to tfrs_afm.models.load_model, or --allow_module "
                f"{module} to python -m serving export."
            )

    def _found(self, module: str, names: Sequence[Any]) -> list[Any]:
        """All that Keras could take for one of the names; nothing where it may not look."""
        if any(isinstance(name, str) and "." in name for name in names):
            return []  # an attribute of an attribute, as os.system of a module that imports os
        texts = dict.fromkeys(name for name in names if isinstance(name, str))
        if "__internal__" in module.split("."):
            return []
        if module == "builtins":
            places = [f"keras.{place}.{name}" for place in _FUNCTIONS for name in texts]
            return [one for one in map(exported_symbol, places) if one is not None]
        if not _within(module, (*_ROOTS, *self._modules)):
            return []
        found = [exported_symbol(f"{module}.{name}") for name in texts]
        real = f"tf_{module}" if _within(module, ("keras",)) else module
        with contextlib.suppress(ImportError):
            home = vars(importlib.import_module(real))
            found += [home.get(name) for name in texts]
        return [one for one in found if one is not None]

    def _allowed(self, found: Any) -> bool:
        home = getattr(found, "__module__", None) or ""
        if _within(home, self._modules):
            return isinstance(found, type | types.FunctionType)
        if not isinstance(found, type):
            return any(found is one for one in _keras_functions())
        if _within(home, ("tf_keras.src.saving", "tf_keras.src.export")):
            return False
        return _within(home, ("tfrs_afm",)) or (
            _within(home, _ROOTS) and issubclass(found, _keras_kinds())
        )

    def _calls_code(self, name: str) -> str:
        return (
            "`path` must have no layer that calls code, or an operation by its name. Received: "
            f"path={self._path} with '{name}'. If you trust the file, make that layer a class of "
            "your own, register it with @tf.keras.utils.register_keras_serializable, and allow "
            "its module: allow_modules of tfrs_afm.models.load_model, --allow_module of "
            "python -m serving export."
        )


_CODE = {
    "Lambda",
    "__lambda__",
    "TFOpLambda",
    "SlicingOpLambda",
    "ClassMethod",
    "InstanceMethod",
    "InstanceProperty",
    "TensorFlowOpLayer",
    "ReloadedLayer",
    "TFSMLayer",
}
_OPERATIONS = tuple(f"{home}.src.layers.core.tf_op_layer" for home in ("keras", "tf_keras"))
_PURE = (
    *("cast", "clip_by_value", "concat", "expand_dims", "gather", "identity", "one_hot"),
    *("ones_like", "reshape", "reverse", "shape", "squeeze", "stack", "stop_gradient", "tile"),
    *("transpose", "where", "zeros_like", "linalg.matmul", "nn.elu", "nn.l2_normalize"),
    *("nn.leaky_relu", "nn.relu", "nn.sigmoid", "nn.softmax", "nn.tanh"),
)
_FUNCTIONS = ("activations", "constraints", "initializers", "losses", "metrics", "regularizers")


def _calculates(entry: dict[str, Any]) -> bool:
    """Whether a layer calls an operation that can do nothing but calculate."""
    kind, config = entry.get("class_name"), entry.get("config")
    known = kind in ("TFOpLambda", "SlicingOpLambda") and entry.get("registered_name") == kind
    if not known or entry.get("module") not in _OPERATIONS or not isinstance(config, dict):
        return False
    home, _, operation = str(config.get("function")).rpartition(".")
    return home in ("math", "__operators__") or f"{home}.{operation}".strip(".") in _PURE


def _keras_functions() -> list[Any]:
    """Keras' activations, losses and so on that are functions."""
    left_out = ("get", "serialize", "deserialize")
    homes = [getattr(tf.keras, name) for name in _FUNCTIONS]
    return [
        value
        for home in homes
        for name, value in vars(home).items()
        if isinstance(value, types.FunctionType) and name not in left_out
    ]


def _keras_kinds() -> tuple[Any, ...]:
    keras = tf.keras
    return (
        keras.layers.Layer,
        keras.optimizers.Optimizer,
        keras.optimizers.legacy.Optimizer,
        keras.optimizers.schedules.LearningRateSchedule,
        keras.losses.Loss,
        keras.initializers.Initializer,
        keras.regularizers.Regularizer,
        keras.constraints.Constraint,
        keras.mixed_precision.Policy,
    )


def _outside(archive: zipfile.ZipFile, name: str) -> list[str]:
    """The places of an HDF5 file whose numbers are in other files: any that we may read."""
    found: list[str] = []
    with archive.open(name) as stream, h5py.File(stream, "r") as weights:

        def look(place: str, link: Any) -> None:
            item = weights[place] if isinstance(link, h5py.HardLink) else link
            elsewhere = isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)
            if elsewhere or isinstance(item, h5py.ExternalLink):
                found.append(place)

        weights.visititems_links(look)
    return found


def _within(module: str, roots: Sequence[str]) -> bool:
    return any(module == root or module.startswith(f"{root}.") for root in roots)
