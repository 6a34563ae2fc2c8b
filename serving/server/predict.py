"""Predict: named tensors in, named tensors out."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from serving.server.errors import invalid
from serving.server.methods import CLASSIFY, PREDICT, REGRESS
from serving.status_error import Code, StatusError
from serving.wire.tensors import to_array

Feeds = dict[str, np.ndarray[Any, Any]]


def prepare_predict(
    signature: Any, request: Any, *, check_method: bool
) -> tuple[Feeds, dict[str, str]]:
    """Checks a PredictRequest against a signature.

    Args:
        signature: A `tensorflow.SignatureDef`.
        request: A `tensorflow.serving.PredictRequest`.
        check_method: Whether the signature's method name must be a serving method.

    Returns:
        Arrays by tensor name, and tensor names by output alias.

    Raises:
        StatusError: INVALID_ARGUMENT for inputs or outputs that do not fit.
    """
    if check_method and signature.method_name not in (PREDICT, CLASSIFY, REGRESS):
        raise StatusError(
            Code.INTERNAL,
            f"Expected prediction signature method_name to be one of {{{PREDICT}, {CLASSIFY}, "
            f"{REGRESS}}}. Was: {signature.method_name}",
        )
    _check_count(signature, request)
    return _feeds(signature, request), _outputs(signature, request.output_filter)


def _joined(names: Iterable[str]) -> str:
    return ",".join(sorted(names))


def _check_count(signature: Any, request: Any) -> None:
    sent, expected = set(request.inputs), set(signature.inputs)
    if len(sent) > len(expected) or (len(sent) < len(expected) and not signature.defaults):
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(expected)} "
            f"len({{{_joined(sent)}}}) != len({{{_joined(expected)}}}). "
            f"Sent extra: {{{_joined(sent - expected)}}}. "
            f"Missing but required: {{{_joined(expected - sent)}}}."
        )


def _feeds(signature: Any, request: Any) -> Feeds:
    feeds: Feeds = {}
    for alias, info in signature.inputs.items():
        if alias in request.inputs:
            proto = request.inputs[alias]
        elif alias in signature.defaults:
            proto = signature.defaults[alias]
        else:
            raise invalid(
                f"Signature input alias: {alias}(feed name: {info.name}) not found in request "
                "and no default value provided. Inputs expected to be in the request "
                f"{{{_joined(request.inputs)}}}, or default input alias set: "
                f"{_joined(signature.defaults)}"
            )
        try:
            feeds[info.name] = to_array(proto)
        except StatusError as error:
            raise invalid(f"tensor parsing error: {alias}") from error
    used = set(request.inputs) & set(signature.inputs)
    if len(used) < len(request.inputs):
        raise invalid(
            f"Inputs contains invalid name. Used request inputs: {_joined(used)}, "
            f"request input: {_joined(request.inputs)}"
        )
    return feeds


def _outputs(signature: Any, output_filter: Iterable[str]) -> dict[str, str]:
    outputs: dict[str, str] = {}
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {alias} Outputs expected to be in "
                f"the set {{{_joined(signature.outputs)}}}."
            )
        if alias in outputs:
            raise invalid(f"duplicate output tensor alias: {alias}")
        outputs[alias] = signature.outputs[alias].name
    return outputs or {alias: info.name for alias, info in signature.outputs.items()}
