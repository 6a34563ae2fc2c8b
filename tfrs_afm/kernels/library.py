"""Finds and loads the compiled kernels, and says where operations of theirs may stand."""

import contextlib
import contextvars
import ctypes
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm._host import FuncGraph, is_saving, is_under_xla
from tfrs_afm.kernels.build import Target, cache_folder, is_whole, tensorflow_of

SWITCH = "TFRS_AFM_KERNELS"
_BUILD = "Build them with `python -m tfrs_afm.kernels build`."
_UNSAVEABLE = (
    "it was traced for training, with an operation of `tfrs_afm.kernels` that TensorFlow Serving "
    "does not have. Trace what you export within `with tfrs_afm.kernels.stock():`."
)
_stock: contextvars.ContextVar[bool] = contextvars.ContextVar("stock", default=False)


class Status(NamedTuple):
    """Which form trains here, and why.

    Attributes:
        form: "avx512", "avx2" or "portable", the kernels' instruction set; or "stock", the
            operations of TensorFlow.
        reason: A sentence that says why.
        library: The file that the kernels were loaded from, or None.
        forms: Every form of the kernels that runs on this processor, the fastest first.
    """

    form: str
    reason: str
    library: Path | None = None
    forms: tuple[str, ...] = ()


def status() -> Status:
    """Says which form trains here: attention over pairs, and updates of tables.

    Environment: `TFRS_AFM_KERNELS=0` switches the kernels off; the name of a form, such as
    `avx2`, takes that one. Read once, when the kernels are first asked for.

    Returns:
        The form, and why it is that one.

    Example:
        >>> import tfrs_afm
        >>> tfrs_afm.kernels.status().form in ("avx512", "avx2", "portable", "stock")
        True
    """
    return load()[0]


@functools.cache
def load() -> tuple[Status, Any]:
    """Loads the kernels, once a process.

    Returns:
        What `status` returns, and the module of the operations or None. Never raises: whatever is
        wrong with the kernels, the stock operations are there.
    """
    try:
        return _load()
    except Exception as error:  # a library is loaded here, and any of it may be broken
        return Status("stock", f"The kernels could not be loaded: {error}"), None


def _load() -> tuple[Status, Any]:
    wanted = os.environ.get(SWITCH, "")
    if wanted == "0":
        return Status("stock", f"{SWITCH}=0 switches the kernels off."), None
    name = Target.installed().file_name
    folders = (Path(__file__).parent, cache_folder())
    path = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if path is None:
        return Status("stock", _why_none(folders)), None
    if not is_whole(path):
        return Status("stock", f"{path} is damaged. {_BUILD}", path), None
    operations = tf.load_op_library(str(path))
    known = ctypes.CDLL(str(path)).tfrs_afm_kernel_forms
    known.restype = ctypes.c_char_p
    forms = tuple(known().decode().split())
    form = forms[0] if wanted in ("", "1") else wanted
    if form not in forms:
        reason = f"{SWITCH}={wanted} must be 0, 1 or a form of this processor: {', '.join(forms)}."
        return Status("stock", reason, path, forms), None
    return Status(form, f"Loaded {path}.", path, forms), operations


def _why_none(folders: tuple[Path, ...]) -> str:
    found = [path for folder in folders for path in sorted(folder.glob("kernels-tf*.so"))]
    for path in found:
        if (version := tensorflow_of(path)) != tf.__version__:
            return f"{path} was built for TensorFlow {version}, this is {tf.__version__}. {_BUILD}"
    if found:
        return f"{found[0]} was built from other sources, or for another machine. {_BUILD}"
    return f"No kernels were built for TensorFlow {tf.__version__}. {_BUILD}"


@contextlib.contextmanager
def stock() -> Iterator[None]:
    """Computes with TensorFlow's own operations within, whatever kernels there are.

    Functions traced within never hold an operation of ours, so any TensorFlow runs them.

    Example:
        >>> import tfrs_afm
        >>> with tfrs_afm.kernels.stock():
        ...     tfrs_afm.kernels.in_use()
        False
    """
    token = _stock.set(True)
    try:
        yield
    finally:
        _stock.reset(token)


def form_here() -> str:
    """Says which form an operation of the kernels has, or would have, here and now.

    Returns:
        The name of a form as `status` gives it, or "stock" and the reason in brackets.
    """
    reason = _why_stock()
    return f"stock ({reason.removesuffix('.')})" if reason else load()[0].form


def may_stand_here() -> bool:
    """Whether an operation of the kernels may be run, or put into a graph, here and now."""
    return not _why_stock()


def _why_stock() -> str:
    """What keeps operations of the kernels away from here, or nothing."""
    if _stock.get():
        return "within kernels.stock()"
    if load()[1] is None:
        return load()[0].reason
    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    if graph is not None:
        if not isinstance(graph, FuncGraph) or is_saving():
            return "a graph that is to be saved"
        if is_under_xla(graph):
            return "XLA"
    if any(device.device_type != "CPU" for device in tf.config.list_logical_devices()):
        return "a device that is no CPU"
    parameter_server = tf.distribute.experimental.ParameterServerStrategy
    if isinstance(tf.distribute.get_strategy(), parameter_server):
        return "parameter servers, whose workers may not have the kernels"
    return ""


def mark_graphs() -> None:
    """Has the graphs that are being traced refuse to be saved: an operation of ours is in them."""
    graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
    while isinstance(graph, FuncGraph):
        graph.mark_as_unsaveable(_UNSAVEABLE)
        graph = graph.outer_graph
