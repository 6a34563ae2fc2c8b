"""Classify: examples in, classes and scores out."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.server.errors import invalid
from serving.server.methods import CLASSIFY
from serving.wire.dtypes import NAMES, STRING, dtype_number


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
