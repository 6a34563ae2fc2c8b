"""What two runs must have in common for one to go on where the other stopped."""

import json
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.training import Training
from tfrs_afm._host import layers_of
from tfrs_afm.optimizers import whole, whole_name
from tfrs_afm.types import Model


def describe_run(model: Model, training: Training, data: Mapping[str, Any]) -> dict[str, Any]:
    """Describes a run as JSON-like values: model, optimizer, variables, training and data.

    Numbers that Keras appends to names are left out, for they count the layers that a process
    made. The variables are described in their order, because optimizers of tf_keras save their
    slots by position.

    Args:
        model: A compiled model with its variables made.
        training: How it is trained.
        data: What decides the batches, writable as JSON.

    Returns:
        Strings, numbers, None, and lists and dicts of them.
    """
    try:
        config = model.get_config()
    except NotImplementedError:  # a model of one's own
        config = {}
    described = {
        "model": {"kind": type(model).__name__, **config},
        "optimizer": {"kind": type(model.optimizer).__name__, **model.optimizer.get_config()},
        "variables": list(
            dict.fromkeys(  # the shards of a table are one variable
                f"{whole_name(variable)} {whole(variable).shape} {variable.dtype.name}"
                for variable in model.trainable_variables
            )
        ),
        "training": training.deciding(),
        "data": dict(data),
    }
    plain: dict[str, Any] = _plain(described)
    # Scopes that all share are the model's own name; the last number of a part counts layers.
    plain["variables"] = [_without_numbers(name) for name in plain["variables"]]
    return json.loads(json.dumps(plain))


def _plain(value: Any, key: str = "") -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one, str(name)) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, str):
        return re.sub(r"_\d+$", "", value) if key == "name" else value
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, tf.DType):
        return value.name
    if hasattr(value, "get_config"):
        return {"kind": type(value).__name__, **_plain(value.get_config())}
    return type(value).__name__


def _without_numbers(name: str) -> str:
    path, *rest = name.split(" ")
    parts = [re.sub(r"_\d+$", "", part) for part in path.partition(":")[0].split("/")]
    return " ".join(["/".join(parts), *rest])


def refuse_other_run(saved: Any, here: Any) -> None:
    """Compares two descriptions of `describe_run`.

    Args:
        saved: Of the run that was begun.
        here: Of the one that is to go on.

    Raises:
        ValueError: If they differ; it names the first five keys that do.

    Example:
        >>> refuse_other_run({"training": {"seed": 0}}, {"training": {"seed": 1}})
        Traceback (most recent call last):
        ValueError: `resume` must ... Received: training.seed: 1 was 0. Restore ...
    """
    lines = _differences(_by_meaning(saved), _by_meaning(_of_then(saved, here)), "")
    if lines:
        shown = "; ".join(lines[:5]) + ("; ..." if len(lines) > 5 else "")
        raise ValueError(
            "`resume` must go on with what the run was begun with; only more epochs are "
            f"possible. Received: {shown}. Restore that, or take another folder."
        )


def forms_of_epoch(known: Sequence[str], here: str, *, begun: bool) -> list[str]:
    """Returns the forms of the kernels that train an epoch, and says where it is another one now.

    Args:
        known: What this returned before; empty for a run that begins, or is of a release that did
            not record it.
        here: What `tfrs_afm.kernels` trains with now.
        begun: Whether a part of the epoch is trained already.

    Example:
        >>> forms_of_epoch([], "avx512", begun=False)
        ['avx512']
    """
    if not known or known[-1] == here:
        return list(known) or [here]
    warnings.warn(
        f"The run was trained by kernels: {known[-1]}, and goes on by kernels: {here}. Results are "
        "the same within the rounding of float32, and not to the bit.",
        stacklevel=2,
    )
    return [*known, here] if begun else [here]


_STARTS = ("bias_start",)


def _of_then(saved: Any, here: Any) -> Any:
    """The description here without options of the start that the release of then did not have."""
    known, now = saved.get("training", {}), here.get("training", {})
    later = [name for name in _STARTS if name in now and name not in known]
    kept = {name: value for name, value in now.items() if name not in later}
    return {**here, "training": kept} if later else here


# What a task says of itself; a model's own arguments of these names only make one.
_OF_THE_TASK = ("attention_units", "units", "dropout")
_OF_THE_ATTENTION = ("attention_units", "attention_dropout", "attention_l2", "temperature")
# Keys that descriptions of earlier releases lack, and what these did.
_LATER = {
    "temperature": 1.0,
    "pooling": None,
    "pair_dropout": 0.0,
    "softmax": True,  # of the attention over pairs; the others have always said theirs
    "of_pairs": False,
    "batch_norm": False,  # of the pre-training, as is the next
    "dropout": 0.0,
    "precision": "float32",
}


def _by_meaning(described: Any) -> Any:
    """Returns a description without what may differ between releases that do the same."""
    if isinstance(described, list):
        return [_by_meaning(one) for one in described]
    if not isinstance(described, dict):
        return described
    found = {name: _by_meaning(value) for name, value in described.items()}
    if found.get("registered_name"):
        found.pop("module", None)  # a registered class is known by its name, wherever it is
    if found.get("pooling") is not None:
        found = {name: value for name, value in found.items() if name not in _OF_THE_ATTENTION}
    if isinstance(found.get("task"), dict):
        found = {name: value for name, value in found.items() if name not in _OF_THE_TASK}
    return {
        name: value for name, value in found.items() if name not in _LATER or value != _LATER[name]
    }


def _differences(saved: Any, here: Any, path: str) -> list[str]:
    """Returns the key paths at which JSON-like values differ, with both values."""
    if isinstance(saved, dict) and isinstance(here, dict):
        names = [*saved, *(name for name in here if name not in saved)]
        prefix = f"{path}." if path else ""
        return [
            line
            for name in names
            for line in _differences(saved.get(name), here.get(name), f"{prefix}{name}")
        ]
    if isinstance(saved, list) and isinstance(here, list) and len(saved) == len(here):
        pairs = enumerate(zip(saved, here, strict=True))
        return [
            line
            for number, (one, other) in pairs
            for line in _differences(one, other, f"{path}[{number}]")
        ]
    return [] if saved == here else [f"{path}: {_short(here)} was {_short(saved)}"]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def make_variables(model: Model, seed: int) -> None:
    """Makes the variables of a model over feature columns, from an empty batch.

    Args:
        model: A model with `columns`; nothing happens to one that is built.
        seed: Decides the variables' values.

    Raises:
        ValueError: If it is not built and has no columns.
    """
    if model.built:
        return
    if not hasattr(model, "columns"):
        raise ValueError(
            "`model` must have its variables. Received: a model that was never called. Call it on "
            "the features of a batch first."
        )
    tf.keras.utils.set_random_seed(seed)
    spec = tfrs_afm.parse_spec(model.columns)
    model(tf.io.parse_example(tf.zeros([0], tf.string), spec))


def megabytes(model: Model) -> dict[str, float]:
    """Returns the megabytes (10^6 bytes) of a model's tables and of its optimizer's variables.

    Under parameter servers it is what all of them together hold.

    Args:
        model: A compiled model with its variables and those of its optimizer made.

    Returns:
        `table_megabytes` and `optimizer_megabytes`.
    """
    kinds = (tfrs_afm.embeddings.DenseTable, tfrs_afm.embeddings.QuotientRemainderTable)
    # Layers that share a table show it once each.
    tables = {id(one): one for one in layers_of(model) if isinstance(one, kinds)}
    weights = [variable for table in tables.values() for variable in table.weights]
    return {
        "table_megabytes": _sum(weights),
        "optimizer_megabytes": _sum(model.optimizer.variables),
    }


def _sum(variables: Any) -> float:
    return sum(math.prod(one.shape) * one.dtype.size for one in variables) / 1e6
