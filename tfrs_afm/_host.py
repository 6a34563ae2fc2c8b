"""What this package needs of TensorFlow and tf_keras beyond their public interfaces.

Importing it selects Keras 2 (the tf_keras package), which TensorFlow Recommenders needs, and
checks that the private names below are there, so that a release of TensorFlow without one of them
fails here, with a message, and not in the middle of a training. `tf.__internal__.feature_column`
is used where columns are made: tf_keras itself depends on it.
"""

import contextlib
import functools
import importlib
import importlib.util
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before TensorFlow: it then leaves out Keras 3, a third of the time that its import takes.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import tensorflow as tf

from tfrs_afm.types import Layer, Metric, Model, Optimizer, Variable


def require_keras2() -> None:
    """Makes `tf.keras` be Keras 2, or says how.

    TensorFlow resolves `tf.keras` at its first use and then keeps it, so this works also after
    `import tensorflow`, as long as nothing has touched `tf.keras` yet.

    Raises:
        ImportError: If `tf.keras` is Keras 3 already, or tf-keras is not installed.
    """
    module = tf.keras.Model.__module__
    if not module.startswith("tf_keras"):
        raise ImportError(
            f"`tf.keras` must be Keras 2 (tf_keras). Received: a Model from '{module}'. "
            "Set the environment variable TF_USE_LEGACY_KERAS=1, or import tfrs_afm before "
            "anything uses tf.keras."
        )


require_keras2()

PRIVATE_NAMES = {
    "tf.__internal__.feature_column": "FeatureColumn FeatureTransformationCache StateManager "
    "serialize_feature_column deserialize_feature_column",
    "tf.__internal__.distribute": "ShardedVariable",
    "tf.__internal__.tracking": "AutoTrackable Trackable",
    "tf.__internal__.tracking.Trackable": "_copy_trackable_to_cpu _lookup_dependency",
    "tf.keras.layers.Dropout": "_flatten_layers _set_dtype_policy",
    "tf.keras.Model": "_set_save_spec",
    "tf.keras.optimizers.Optimizer": "_apply_weight_decay _clip_gradients "
    "_deduplicate_sparse_grad _distributed_apply_gradients_fn _no_dependency "
    "_trackable_children _update_step_xla _use_weight_decay _var_key",
}
"""Where they are -> what is used or overridden there."""


def warn_of_namesakes() -> None:
    """Warns where `pipelines` or `serving`, names that anyone may use, are somebody else's.

    A folder of that name before ours on the path of Python hides the one that was installed.
    """
    ours = Path(__file__).parents[1]
    for name in ("pipelines", "serving"):
        try:
            spec = importlib.util.find_spec(name)
        except ValueError:  # a module that somebody made by hand and put there
            continue
        if spec is None:
            continue
        places = list(spec.submodule_search_locations or [str(spec.origin)])
        if ours not in [Path(place).resolve().parent for place in places]:
            warnings.warn(
                f"`import {name}` must find the package that comes with tfrs_afm, in {ours}. "
                f"Received: {places[0]}. Rename that one, or put the folder of tfrs_afm before it "
                "in sys.path.",
                RuntimeWarning,
                stacklevel=2,
            )


def require_private_names() -> None:
    """Checks that all of `PRIVATE_NAMES` are there.

    Raises:
        ImportError: If the installed TensorFlow or tf_keras lacks one; it is named.
    """
    lost = [
        f"{place}.{name}"
        for place, names in PRIVATE_NAMES.items()
        for name in names.split()
        if not hasattr(functools.reduce(getattr, place.split(".")[1:], tf), name)
    ]
    if lost:
        raise ImportError(
            f"TensorFlow and tf_keras must have {', '.join(lost)}. Received: TensorFlow "
            f"{tf.__version__}, without. Install the versions that this release names in setup.py."
        )


require_private_names()
warn_of_namesakes()

try:
    from tensorflow.python.eager.record import could_possibly_record as may_record
    from tensorflow.python.eager.tape import variable_accessed
    from tensorflow.python.framework.func_graph import FuncGraph
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext as is_under_xla
    from tensorflow.python.saved_model.save_context import in_save_context as is_saving
    from tensorflow.python.util.tf_export import get_symbol_from_name as exported_symbol
except ImportError as error:
    raise ImportError(
        f"TensorFlow must have what this package asks of it: {error}. Received: TensorFlow "
        f"{tf.__version__}. Install the versions that this release names in setup.py."
    ) from error

__all__ = [
    "FuncGraph",
    "exported_symbol",
    "is_saving",
    "is_under_xla",
    "may_record",
    "variable_accessed",
]

AutoTrackable: Any = tf.__internal__.tracking.AutoTrackable
Trackable: Any = tf.__internal__.tracking.Trackable
ShardedVariable: Any = tf.__internal__.distribute.ShardedVariable
# tf_keras shows the class through what its layers hold; making a layer for that would draw a random
# number, and processes forked after the import would then all draw the same ones.
RandomGenerator: Any = importlib.import_module(
    tf.keras.layers.Layer.__module__
).backend.RandomGenerator


def layers_of(layer: Layer) -> list[Any]:
    """Returns a layer and all layers inside it, however deep; of anything else, those inside it."""
    kind = tf.keras.layers.Layer
    if isinstance(layer, kind):
        return list(layer._flatten_layers())
    return [one for one in getattr(layer, "submodules", ()) if isinstance(one, kind)]


@contextlib.contextmanager
def full_precision(layer: Layer) -> Iterator[None]:
    """Has mixed precision off within the block: each layer computes in the type of its variables.

    Args:
        layer: A layer or model, with all layers inside it.
    """
    mixed = [
        (one, one.dtype_policy)
        for one in layers_of(layer)
        if one.variable_dtype is not None and one.compute_dtype != one.variable_dtype
    ]
    # A functional model, Sequential too, casts what it is given to the type of its first call.
    inputs = [
        (given, given.type_spec, policy)
        for one, policy in mixed
        for given in tf.nest.flatten(getattr(one, "inputs", None) or [])
        if isinstance(given.type_spec, tf.TensorSpec) and given.dtype == policy.compute_dtype
    ]
    try:
        for one, policy in mixed:
            one._set_dtype_policy(policy.variable_dtype)
        for given, spec, policy in inputs:
            given._type_spec = tf.TensorSpec(spec.shape, policy.variable_dtype, spec.name)
        yield
    finally:
        for one, policy in mixed:
            one._set_dtype_policy(policy)
        for given, spec, _ in inputs:
            given._type_spec = spec


def random_generator(layer: Layer) -> Any:
    """Returns what a layer, such as a Dropout, draws from; None for a layer that draws nothing."""
    return vars(layer).get("_random_generator")


def put_random_generator(layer: Layer, generator: Any) -> None:
    """Makes a layer draw from a generator."""
    # Not as an attribute: Keras would track it, and a checkpoint would then look for it.
    layer.__dict__["_random_generator"] = generator


def mark_built(model: Model, inputs: Any) -> None:
    """Tells Keras that a model was built by a pass over its parts, and on what.

    Keras marks a model that is called. One that is trained by parts of it has all variables, too,
    but would not be saved, counted or summed up.

    Args:
        model: A model whose variables are all there.
        inputs: The features of a batch.
    """
    if not model.built:
        model.built = True
        model._set_save_spec(inputs)


def builds_from_shapes() -> bool:
    """Whether Keras is calling a model to make its variables, as when a copy or file is loaded.

    It passes floats of the shapes that it knows, whatever type the features have.
    """
    graph = tf.compat.v1.get_default_graph()
    return isinstance(graph, FuncGraph) and graph.name == "build_graph"


def rename_metric(metric: Metric, name: str) -> None:
    """Gives a metric another name: Keras has no way to replace one that it already tracks."""
    metric._name = name


def word_table(lookup: Any) -> Any:
    """Returns the table of words inside a lookup table that has buckets for unknown words."""
    return getattr(lookup, "_table", lookup)


def slot_index(optimizer: Optimizer, variable: Variable) -> int | None:
    """Returns the place of a variable's slots in the optimizer's lists, None if it has none."""
    index: int | None = optimizer._index_dict.get(optimizer._var_key(variable))
    return index


def slots(optimizer: Optimizer, variable: Variable, *kinds: str) -> list[Any]:
    """Returns the slots of a variable.

    Args:
        optimizer: An optimizer that was built with the variable.
        variable: A variable of the model.
        kinds: Names of the optimizer's lists, such as "momentums".
    """
    found = all_slots(optimizer, variable)
    return [found[kind] for kind in kinds]


def all_slots(optimizer: Optimizer, variable: Variable) -> dict[str, Any]:
    """Returns what each of the optimizer's lists holds for a variable, by the list's name."""
    index = slot_index(optimizer, variable)
    if index is None:
        return {}
    # tf_keras keeps one list for each kind of slot, in the order of the variables.
    return {
        name.lstrip("_"): kind[index]
        for name, kind in vars(optimizer).items()
        if isinstance(kind, list) and len(kind) == len(optimizer._index_dict)
    }
