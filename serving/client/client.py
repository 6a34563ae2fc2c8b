"""Typed features in, scores out."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from serving.client.errors import FeatureTypeError, RequestError, Retry
from serving.client.features import encode_example, missing, rows_of
from serving.client.schema import Schema
from serving.client.transports.transport import Transport, open_transport
from serving.signatures import DEFAULT_SIGNATURE, signature_key
from serving.status_error import Code
from serving.wire.tensors import NAMES, NUMPY

_Array = np.ndarray[Any, Any]


class Client:
    """Asks a model that `serving.export` published, wherever it is served.

    Features are checked against the model's sidecar before anything is sent. Neither TensorFlow
    nor the model's code is needed: NumPy, protobuf and, for gRPC, grpcio are enough. Any number
    of threads may share a client.

    Args:
        address: `host:port` for gRPC, `http://host:port` for REST, a version folder to answer in
            this process, or a transport of your own.
        model_name: The name that the server gives the model.
        schema: The model's sidecar: its version folder, base path, JSON file, or an http address
            of that. Default: the folder in `address`.
        timeout: Seconds for a whole call, all its batches and tries. Positive.
        batch_size: How many rows or candidates go into one request at most. Positive.
        retry: When to send again.

    Raises:
        SchemaError: If the sidecar cannot be read.
        ValueError: If an argument is out of range.

    Example:
        ```python
        with serving.Client("localhost:8500", "ranker", "models/ranker") as client:
            client.predict([{"user_id": 3, "movie_id": 7, "history": [1, 5]}])
            client.rank({"user_id": 3, "history": [1, 5]}, [7, 9, 11])
        ```
    """

    def __init__(
        self,
        address: str | os.PathLike[str] | Transport,
        model_name: str = "default",
        schema: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        timeout: float = 10.0,
        batch_size: int = 512,
        retry: Retry | None = None,
    ) -> None:
        for name, value in (("timeout", timeout), ("batch_size", batch_size)):
            if not value > 0:
                raise ValueError(
                    f"`{name}` must be positive. Received: {name}={value}. Leave it out for the "
                    "default."
                )
        if schema is None:
            if not isinstance(address, str | os.PathLike) or not os.path.isdir(address):
                raise ValueError(
                    "`schema` must say what the model reads. Received: schema=None for address="
                    f"{address}. Give the model's version folder, or its sidecar's address."
                )
            schema = address
        self.schema = Schema(schema)
        self._transport = open_transport(address, model_name)
        self._timeout = timeout
        self._batch_size = batch_size
        self._retry = retry or Retry()

    def predict(self, features: Any, *, task: str = "") -> Any:
        """Scores rows.

        Args:
            features: A list of dicts, a dict of columns, or a pandas data frame. A feature that
                is absent, None or NaN takes its default; without one a missing number is masked,
                and a missing integer of a `numeric_column` is an error.
            task: The one task to score, of a model of several. Default: all.

        Returns:
            `(batch,)` float32, the model's predictions; all tasks of a model of several as a dict
            of them by task.

        Raises:
            FeatureError: Before anything is sent, if a feature is unknown, missing or does not
                fit.
            RequestError: If the request failed; by its code also `UnavailableError` or
                `DeadlineError`.
        """
        tasks = self.schema.tasks
        if task or tasks:
            outputs = [self.schema.checked_task(task)] if task else tasks
        else:
            outputs = ["predictions"]
        found = self.run(DEFAULT_SIGNATURE, features, outputs)
        return found if tasks and not task else found[outputs[0]]

    def regress(self, features: Any, *, task: str = "") -> _Array:
        """Scores rows by the `regression` signature: `(batch,)` float32; as `predict`."""
        return self.run(self._key(task, "regression"), features)["outputs"]

    def classify(self, features: Any, *, task: str = "") -> dict[str, _Array]:
        """Class labels and their probabilities.

        Args:
            features: As for `predict`.
            task: The task, of a model of several.

        Returns:
            `classes` `(batch, 2)` of bytes and `scores` `(batch, 2)` float32.
        """
        return self.run(self._key(task, "classification"), features)

    def explain(self, features: Any, *, task: str = "") -> list[list[dict[str, Any]]]:
        """The field pairs that moved each row's logit most.

        Args:
            features: As for `predict`.
            task: The task, of a model of several.

        Returns:
            Per row a list of dicts, the largest share first: `fields` (two names),
            `contribution` (signed) and `attention`.
        """
        found = self.run(self._key(task, "explain"), features)
        names = ("first_field", "second_field", "contribution", "attention")
        shapes = [found[name].shape for name in names]
        if len(shapes[0]) != 2 or len(set(shapes)) > 1:
            raise RequestError(
                Code.INTERNAL,
                "the server's explanations must be four tables of one shape. Received: shapes "
                f"{shapes}. Is it the server of this model?",
            )
        return [
            [
                {
                    "fields": (first.decode(), second.decode()),
                    "contribution": float(share),
                    "attention": float(attention),
                }
                for first, second, share, attention in zip(*row, strict=True)
            ]
            for row in zip(*(found[name] for name in names), strict=True)
        ]

    def run(
        self, signature: str, features: Any, outputs: Sequence[str] | None = None
    ) -> dict[str, _Array]:
        """Asks any signature over serialized examples.

        Args:
            signature: Its key.
            features: As for `predict`.
            outputs: The outputs to compute. Default: all.

        Returns:
            Arrays by output name, batch first.
        """
        (name,) = self._inputs(signature, 1)
        examples = [
            encode_example(self.schema.features, row, number)
            for number, row in enumerate(rows_of(features))
        ]
        sent = np.array(examples, object)
        batches = [
            {name: sent[start : start + self._batch_size]}
            for start in range(0, max(len(sent), 1), self._batch_size)
        ]
        return self._send(signature, batches, outputs, axis=0)

    def rank(self, context: Mapping[str, Any], candidates: Any, *, task: str = "") -> _Array:
        """Scores many candidates for one context, which is sent and computed once.

        Args:
            context: The context's features, for instance the user's.
            candidates: Ids, where one feature of one id tells the candidate; otherwise the
                candidates' features, in any form that `predict` takes.
            task: The task whose scores count, of a model of several.

        Returns:
            `(len(candidates),)` float32, in the candidates' order.

        Raises:
            FeatureError: As for `predict`.
            RequestError: As for `predict`.
        """
        if not isinstance(context, Mapping):
            raise FeatureTypeError(
                "`context` must be a dict of features. Received: context="
                f"{type(context).__name__}. Rank for one context a call."
            )
        key = self._key(task, "rank")
        head = encode_example(self.schema.side("context"), context, 0, required=False)
        if self.schema.candidates_are_ids:
            sent = self._ids(candidates)
        else:
            rows = rows_of(candidates)
            allowed = self.schema.side("candidate")
            encoded = [
                encode_example(allowed, row, number, required=False)
                for number, row in enumerate(rows)
            ]
            sent = np.array(encoded, object)
            for number, row in enumerate(rows):
                self._check_required(context, row, number)
        self._check_required(context, {}, 0, side="context")
        if not len(sent):
            return np.zeros([0], np.float32)
        batches = [
            {
                "context": np.array([head], object),
                "candidates": sent[np.newaxis, start : start + self._batch_size],
            }
            for start in range(0, len(sent), self._batch_size)
        ]
        return self._send(key, batches, ["scores"], axis=1)["scores"][0]

    def _key(self, task: str, kind: str) -> str:
        return signature_key(self.schema.checked_task(task), kind)

    def _ids(self, candidates: Any) -> _Array:
        (feature,) = self.schema.side("candidate").values()
        if isinstance(candidates, np.ndarray):
            candidates = candidates.tolist()
        elif not isinstance(candidates, Sequence) or isinstance(candidates, str | bytes):
            raise FeatureTypeError(
                f"`candidates` must be a list of ids of '{feature.name}'. Received: candidates="
                f"{type(candidates).__name__}. For one candidate write a list of one."
            )
        ids = []
        for row, one in enumerate(candidates):
            found = feature.values(one, row)
            if len(found) != 1:
                raise FeatureTypeError(
                    f"`candidates` must be ids of '{feature.name}'. Received: {one!r} in place "
                    f"{row}. Give each candidate one id."
                )
            ids += found
        return np.array(ids, object if feature.dtype == "string" else np.int64)

    def _check_required(
        self, context: Mapping[str, Any], row: Mapping[str, Any], number: int, side: str = ""
    ) -> None:
        """Whether context and candidate together hold what has no default."""
        for name, feature in self.schema.features.items():
            asked = feature.side == side if side else feature.side != "context"
            sent = row if name in row else context
            if not asked or not feature.required:
                continue
            if name not in sent or not feature.values(sent[name], number):
                raise missing(name, number)

    def _inputs(self, signature: str, count: int) -> list[str]:
        self.schema.outputs(signature)  # says so if there is none
        names = list(self.schema.content["signatures"][signature]["inputs"])
        if len(names) != count:
            raise ValueError(
                "`signature` must take serialized examples. Received: signature="
                f"'{signature}' with inputs {names}. Use `rank`, or a request of your own."
            )
        return names

    def _send(
        self,
        signature: str,
        batches: Sequence[Mapping[str, _Array]],
        outputs: Sequence[str] | None,
        *,
        axis: int,
    ) -> dict[str, _Array]:
        wanted = self.schema.outputs(signature)
        if outputs is not None:
            unknown = sorted(set(outputs) - set(wanted))
            if unknown:
                raise ValueError(
                    f"`outputs` must be among {sorted(wanted)} of '{signature}'. Received: "
                    f"outputs={unknown}. Leave them out."
                )
            wanted = {name: wanted[name] for name in outputs}
        end = self._retry.now() + self._timeout
        answers: list[dict[str, _Array]] = []
        for batch in batches:

            def send(left: float, batch: Mapping[str, _Array] = batch) -> dict[str, _Array]:
                return self._transport.run(signature, batch, wanted, left)

            answer = self._retry.call(send, end)
            width = list(batch.values())[-1].shape[axis]
            _check_answer(answer, wanted, width, axis, answers)
            if axis == 1:
                # A server that batches pads narrower requests with copies of a candidate.
                answer = {name: array[:, :width] for name, array in answer.items()}
            answers.append(answer)
        return {name: np.concatenate([one[name] for one in answers], axis) for name in wanted}

    def close(self) -> None:
        """Closes connections, or frees the model that answers in this process."""
        self._transport.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_answer(
    answer: Any, wanted: Mapping[str, int], width: int, axis: int, before: list[Any]
) -> None:
    """Refuses what no server of the model would answer.

    Args:
        answer: Arrays by name.
        wanted: TensorFlow's numbers of the element types by name.
        width: How many rows, or candidates for `axis` 1, were sent.
        axis: Where they are counted.
        before: The answers to other batches, which have the same shape but for that axis.

    Raises:
        RequestError: INTERNAL, with the output that does not fit.
    """
    for name, number in wanted.items():
        array = answer[name]
        sizes = array.shape[axis] if array.ndim > axis else -1
        fits = sizes == width if axis == 0 else sizes >= width and len(array) == 1
        if fits and before:
            one = before[0][name]
            rest = [slice(None)] * axis
            fits = array[(*rest, slice(0))].shape == one[(*rest, slice(0))].shape
        if not fits or array.dtype != NUMPY[number]:
            raise RequestError(
                Code.INTERNAL,
                f"the server's '{name}' must be {NAMES[number]} for {width} rows. Received: "
                f"{array.dtype} of shape {array.shape}. Is it the server of this model?",
            )
