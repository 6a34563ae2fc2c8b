"""Regress: examples in, one number each out."""

from typing import Any

import numpy as np

from serving.server.errors import invalid
from serving.server.methods import REGRESS
from serving.wire.dtypes import NAMES, dtype_number


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
