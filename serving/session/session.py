"""A loaded SavedModel that answers."""

import ctypes
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from serving.session.c_library import Buffer, Library, Output, from_tensor, library, to_tensor
from serving.status_error import Code, StatusError
from serving.wire.messages import message_class
from serving.wire.tensors import NUMPY, STRING


class Session:
    """A SavedModel under TensorFlow's C library, as TensorFlow Serving loads it.

    Loading restores the variables, opens the vocabulary files in `assets/` and runs the
    initialiser. Nothing of TensorFlow's Python package is imported, and, as in the server, the
    shapes of inputs are checked by the graph only. Any number of threads may run it at once.

    Args:
        path: The version folder, the one that holds `saved_model.pb`.
        config: A serialized `tensorflow.ConfigProto`; empty for the defaults.
        tags: Which of the SavedModel's graphs: the one that has exactly these.

    Raises:
        StatusError: NOT_FOUND and others, if the folder does not load.

    Example:
        ```python
        with Session("models/ranker/1") as session:
            answer = session.run("serving_default", {"examples": [example.SerializeToString()]})
        ```
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        config: bytes = b"",
        tags: Sequence[str] = ("serve",),
    ) -> None:
        self._lib: Library = library()
        self._users = 0
        self._closing = False
        self._changed = threading.Condition()
        self._operations: dict[str, Output] = {}
        self._graph: int | None = self._lib.TF_NewGraph()
        self._session: int | None = None
        try:
            self._session, self.meta_graph = self._load(os.fsencode(path), config, tags)
        except StatusError:
            self._lib.TF_DeleteGraph(self._graph)
            self._graph = None
            raise
        self.signatures: Mapping[str, Signature] = read_signatures(self.meta_graph)

    def _load(self, path: bytes, config: bytes, tags: Sequence[str]) -> tuple[int, bytes]:
        lib = self._lib
        options, buffer, status = lib.TF_NewSessionOptions(), lib.TF_NewBuffer(), lib.TF_NewStatus()
        try:
            if config:
                lib.TF_SetConfig(options, config, len(config), status)
                lib.check(status)
            names = (ctypes.c_char_p * len(tags))(*[tag.encode() for tag in tags])
            session = lib.TF_LoadSessionFromSavedModel(
                options, None, path, names, len(tags), self._graph, buffer, status
            )
            lib.check(status)
            held = ctypes.cast(buffer, ctypes.POINTER(Buffer)).contents
            return session, ctypes.string_at(held.data, held.length)
        finally:
            lib.TF_DeleteStatus(status)
            lib.TF_DeleteBuffer(buffer)
            lib.TF_DeleteSessionOptions(options)

    def run(
        self,
        signature: str,
        inputs: Mapping[str, Any],
        *,
        outputs: Sequence[str] | None = None,
        timeout_ms: int = 0,
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Runs a signature.

        Args:
            signature: Its key, for instance `serving_default`.
            inputs: Arrays or nested lists by input name; cast to the signature's types.
            outputs: Names to compute. Default: all of the signature.
            timeout_ms: Milliseconds until DEADLINE_EXCEEDED; 0 for none.

        Returns:
            Arrays by output name; strings as bytes in object arrays.

        Raises:
            StatusError: NOT_FOUND for an unknown signature, INVALID_ARGUMENT for unknown or
                missing names, otherwise what TensorFlow said.
        """
        if signature not in self.signatures:
            known = ", ".join(self.signatures)
            raise StatusError(
                Code.NOT_FOUND,
                f"`signature` must be one of the model's: {known}. Received: "
                f"signature='{signature}'. Export it, or use another key.",
            )
        spec = self.signatures[signature]
        if set(inputs) != set(spec.inputs):
            raise StatusError(
                Code.INVALID_ARGUMENT,
                f"`inputs` must be exactly {sorted(spec.inputs)} for '{signature}'. Received: "
                f"inputs={sorted(inputs)}. Add or remove the difference.",
            )
        names = list(spec.outputs) if outputs is None else list(outputs)
        unknown = [name for name in names if name not in spec.outputs]
        if unknown:
            raise StatusError(
                Code.INVALID_ARGUMENT,
                f"`outputs` must be among {sorted(spec.outputs)} for '{signature}'. Received: "
                f"outputs={unknown}. Leave them out.",
            )
        feeds = {
            spec.inputs[name].name: _cast(value, spec.inputs[name].dtype)
            for name, value in inputs.items()
        }
        fetches = [spec.outputs[name].name for name in names]
        fetched = self.run_tensors(feeds, fetches, timeout_ms=timeout_ms)
        return dict(zip(names, fetched, strict=True))

    def run_tensors(
        self, feeds: Mapping[str, Any], fetches: Sequence[str], *, timeout_ms: int = 0
    ) -> list[np.ndarray[Any, Any]]:
        """Runs the graph by tensor names, without looking at signatures.

        Args:
            feeds: Arrays by tensor name, for instance `serving_default_examples:0`.
            fetches: Tensor names.
            timeout_ms: Milliseconds until DEADLINE_EXCEEDED; 0 for none.

        Raises:
            StatusError: What TensorFlow said; FAILED_PRECONDITION after `close`.
        """
        lib = self._lib
        with self.hold():
            feed_outputs = (Output * len(feeds))(*[self._output(name) for name in feeds])
            fetch_outputs = (Output * len(fetches))(*[self._output(name) for name in fetches])
            results = (ctypes.c_void_p * len(fetches))()
            tensors: list[int] = []
            status = lib.TF_NewStatus()
            options = _run_options(lib, timeout_ms)
            try:
                for value in feeds.values():
                    tensors.append(to_tensor(lib, value))
                lib.TF_SessionRun(
                    self._session,
                    options,
                    feed_outputs,
                    (ctypes.c_void_p * len(tensors))(*tensors),
                    len(tensors),
                    fetch_outputs,
                    results,
                    len(fetches),
                    None,
                    0,
                    None,
                    status,
                )
                lib.check(status)
                return [from_tensor(lib, result) for result in results]
            finally:
                for tensor in (*tensors, *(result for result in results if result)):
                    lib.TF_DeleteTensor(tensor)
                if options:
                    lib.TF_DeleteBuffer(options)
                lib.TF_DeleteStatus(status)

    def _output(self, name: str) -> Output:
        known = self._operations.get(name)
        if known is not None:
            return known
        operation, _, index = name.partition(":")
        handle = self._lib.TF_GraphOperationByName(self._graph, operation.encode())
        # A signature may name anything. The C library takes a negative index as it is.
        number = int(index or 0) if re.fullmatch(r"[0-9]{0,9}", index) else None
        if not handle or number is None or number >= self._lib.TF_OperationNumOutputs(handle):
            raise StatusError(Code.NOT_FOUND, f"FetchOutputs node {name}: not found")
        found = self._operations[name] = Output(handle, number)
        return found

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keeps the session from closing while the block runs.

        Raises:
            StatusError: FAILED_PRECONDITION if it is closed already.
        """
        self.acquire()
        try:
            yield
        finally:
            self.release()

    def acquire(self) -> None:
        """Begins a use; `close` waits for the matching `release`.

        Raises:
            StatusError: FAILED_PRECONDITION if it is closed already.
        """
        with self._changed:
            # A request that already holds the session may still start its run.
            if self._session is None or (self._closing and not self._users):
                raise StatusError(Code.FAILED_PRECONDITION, "The session is closed.")
            self._users += 1

    def release(self) -> None:
        """Ends a use that `acquire` began."""
        with self._changed:
            self._users -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Waits for running requests and frees the model's memory; a second call does nothing."""
        with self._changed:
            self._closing = True
            self._changed.wait_for(lambda: not self._users)
            session, self._session = self._session, None
            graph, self._graph = self._graph, None
        if session is None:
            return
        lib = self._lib
        status = lib.TF_NewStatus()
        lib.TF_CloseSession(session, status)
        lib.TF_DeleteSession(session, status)
        lib.TF_DeleteGraph(graph)
        lib.TF_DeleteStatus(status)

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _cast(value: Any, dtype: int) -> np.ndarray[Any, Any]:
    if dtype == STRING or dtype not in NUMPY:
        return np.asarray(value, object) if dtype == STRING else np.asarray(value)
    return np.asarray(value, NUMPY[dtype])


def _run_options(lib: Library, timeout_ms: int) -> int | None:
    """A serialized RunOptions { timeout_in_ms }: field 2, a varint."""
    if timeout_ms <= 0:
        return None
    data = bytearray(b"\x10")
    while timeout_ms > 0x7F:
        data.append(timeout_ms & 0x7F | 0x80)
        timeout_ms >>= 7
    data.append(timeout_ms)
    return int(lib.TF_NewBufferFromString(bytes(data), len(data)))


@dataclass(frozen=True)
class TensorSpec:
    """One input or output.

    Attributes:
        name: The tensor's name in the graph.
        dtype: TensorFlow's number of the element type.
        shape: Sizes, None where any size goes; None for an unknown rank.
    """

    name: str
    dtype: int
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Signature:
    """A way to ask a SavedModel.

    Attributes:
        method_name: The TensorFlow Serving method, for instance `tensorflow/serving/predict`.
        inputs: By the name that requests use.
        outputs: By the name that answers use.
    """

    method_name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


def _spec(info: Any) -> TensorSpec:
    shape = info.tensor_shape
    sizes = tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
    return TensorSpec(info.name, info.dtype, None if shape.unknown_rank else sizes)


def read_signatures(meta_graph: bytes) -> dict[str, Signature]:
    """The signatures in a serialized MetaGraphDef, without TensorFlow's own initialiser.

    Args:
        meta_graph: Bytes of a `tensorflow.MetaGraphDef`.
    """
    parsed = message_class("tensorflow.MetaGraphDef").FromString(meta_graph)
    return {
        key: Signature(
            one.method_name,
            {name: _spec(one.inputs[name]) for name in sorted(one.inputs)},
            {name: _spec(one.outputs[name]) for name in sorted(one.outputs)},
        )
        for key, one in sorted(parsed.signature_def.items())
        if key != "__saved_model_init_op"
    }
