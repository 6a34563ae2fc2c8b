"""The method names that a signature may carry."""

PREDICT = "tensorflow/serving/predict"
"""Any named tensors in, any out."""

CLASSIFY = "tensorflow/serving/classify"
"""tf.Examples in, classes and scores out."""

REGRESS = "tensorflow/serving/regress"
"""tf.Examples in, one number each out."""

DEFAULT_SIGNATURE = "serving_default"
"""The signature of a request that names none."""


def signature_key(task: str, kind: str) -> str:
    """The key of a signature: its kind, of a model of several tasks `<task>/<kind>`.

    Args:
        task: The task's name; empty for a model of one.
        kind: `classification`, `regression`, `rank` or `explain`.

    Example:
        >>> signature_key("click", "rank"), signature_key("", "rank")
        ('click/rank', 'rank')
    """
    return f"{task}/{kind}" if task else kind


def signature_kind(key: str) -> str:
    """The kind of a signature, without its task.

    Example:
        >>> signature_kind("click/rank"), signature_kind("tensors")
        ('rank', 'tensors')
    """
    return key.rpartition("/")[2]
