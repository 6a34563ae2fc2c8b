"""TensorFlow Serving's methods: Predict, Classify, Regress, MultiInference."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from serving.signatures import CLASSIFY, PREDICT, REGRESS
from serving.status_error import Code, StatusError, invalid
from serving.wire.tensors import NAMES, STRING, dtype_number, to_array

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


def prepare_classify(signature: Any, *, check_method: bool) -> tuple[str, dict[str, str]]:
    """Checks that a signature can classify.

    Args:
        signature: A `tensorflow.SignatureDef`.
        check_method: Whether its method name must say so too.

    Returns:
        The input's tensor name, and tensor names by `classes` and `scores`.

    Raises:
        StatusError: INVALID_ARGUMENT if it cannot.
    """
    if check_method and signature.method_name != CLASSIFY:
        raise invalid(
            f"Expected classification signature method_name to be {CLASSIFY}. "
            f"Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if "inputs" not in signature.inputs:
        raise invalid(f"No classification inputs found in SignatureDef: {signature}")
    keys = [key for key in ("classes", "scores") if key in signature.outputs]
    if not keys:
        raise invalid(
            "Expected classification signature outputs to contain at least one of "
            f'"classes" or "scores". Signature was: {signature}'
        )
    outputs = {key: signature.outputs[key].name for key in keys}
    return signature.inputs["inputs"].name, outputs


def fill_classifications(
    outputs: Mapping[str, np.ndarray[Any, Any]], num_examples: int, result: Any
) -> None:
    """Writes classes and scores into a ClassificationResult.

    Args:
        outputs: Arrays by `classes` and `scores`, each `(num_examples, n)`.
        num_examples: How many examples were asked about.
        result: A `tensorflow.serving.ClassificationResult`.

    Raises:
        StatusError: INVALID_ARGUMENT if the model's answer has another form.
    """
    for key, array in outputs.items():
        _check(key, array, num_examples)
    classes, scores = outputs.get("classes"), outputs.get("scores")
    if classes is not None and scores is not None and classes.shape[1] != scores.shape[1]:
        raise invalid(
            "Tensors class and score should match in dim_size(1). "
            f"Got {classes.shape[1]} vs. {scores.shape[1]}"
        )
    width = next(iter(outputs.values())).shape[1]
    for row in range(num_examples):
        classifications = result.classifications.add()
        for column in range(width):
            one = classifications.classes.add()
            if classes is not None:
                one.label = classes[row, column].decode("utf-8", "replace")
            if scores is not None:
                one.score = float(scores[row, column])


def _check(key: str, array: np.ndarray[Any, Any], num_examples: int) -> None:
    if array.ndim != 2:
        shape = ",".join(map(str, array.shape))
        raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got [{shape}]")
    number = dtype_number(array.dtype)
    wanted, name = (STRING, "DT_STRING") if key == "classes" else (1, "DT_FLOAT")
    if number != wanted:
        raise invalid(f"Expected {key} Tensor of {name}. Got: DT_{NAMES[number].upper()}")
    if array.shape[0] != num_examples:
        raise invalid(f"Expected {key} output batch size of {num_examples}. Got: {array.shape[0]}")


def prepare_regress(signature: Any, *, check_method: bool) -> tuple[str, str]:
    """Checks that a signature can regress.

    Args:
        signature: A `tensorflow.SignatureDef`.
        check_method: Whether its method name must say so too.

    Returns:
        The tensor names of the input and of the output.

    Raises:
        StatusError: INVALID_ARGUMENT if it cannot.
    """
    if check_method and signature.method_name != REGRESS:
        raise invalid(
            f"Expected regression signature method_name to be {REGRESS}. "
            f"Was: {signature.method_name}"
        )
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if "inputs" not in signature.inputs:
        raise invalid(f"No regression inputs found in SignatureDef: {signature}")
    if "outputs" not in signature.outputs:
        raise invalid(f"No regression outputs found in SignatureDef: {signature}")
    return signature.inputs["inputs"].name, signature.outputs["outputs"].name


def fill_regressions(array: np.ndarray[Any, Any], num_examples: int, result: Any) -> None:
    """Writes numbers into a RegressionResult.

    Args:
        array: `(num_examples,)` or `(num_examples, 1)` floats.
        num_examples: How many examples were asked about.
        result: A `tensorflow.serving.RegressionResult`.

    Raises:
        StatusError: INVALID_ARGUMENT if the model's answer has another form.
    """
    if array.ndim != 1 and not (array.ndim == 2 and array.shape[1] == 1):
        shape = ",".join(map(str, array.shape))
        raise invalid(
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] "
            f"but got [{shape}]"
        )
    if array.shape[0] != num_examples:
        raise invalid(
            f"Input batch size did not match output batch size: {num_examples} vs. {array.shape[0]}"
        )
    if array.dtype != np.float32:
        name = NAMES[dtype_number(array.dtype)].upper()
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: DT_{name}")
    for value in array.ravel().tolist():
        result.regressions.add(value=value)


def serialized_examples(request_input: Any) -> np.ndarray[Any, Any]:
    """The serialized tf.Examples of an Input, one string each.

    A context is put before each example as bytes, as the server does: where both hold a
    feature, the example's wins.

    Args:
        request_input: A `tensorflow.serving.Input`.

    Raises:
        StatusError: INVALID_ARGUMENT if there are none.
    """
    kind = request_input.WhichOneof("kind")
    context = b""
    found: list[bytes] = []
    if kind == "example_list":
        found = [one.SerializeToString() for one in request_input.example_list.examples]
    elif kind == "example_list_with_context":
        both = request_input.example_list_with_context
        context = both.context.SerializeToString()
        found = [context + one.SerializeToString() for one in both.examples]
    if not found:
        raise invalid("Input is empty.")
    return np.array(found, object)
