"""What went wrong while batches were read, in one line."""

import re
from typing import Any


def read_error(error: Any) -> str:
    r"""Returns what a reader said, without what TensorFlow puts around it.

    Args:
        error: A `tf.errors.OpError`, as iterating over `Batches` raises it.

    Example:
        >>> import tensorflow as tf
        >>> message = "{{node A}} ValueError: `a` must be text.\nTraceback\n\n [[{{node A}}]]"
        >>> read_error(tf.errors.InvalidArgumentError(None, None, message))
        '`a` must be text.'
    """
    text = str(error.message)
    # An exception of Python comes with its traceback, and stands at its end or its beginning.
    found = re.findall(r"^(?:.*}} )?(?:\w+Error): (.+)$", text, re.MULTILINE)
    if found:
        return str(found[-1]).strip()
    # Where in the graph, before and behind what was said.
    text = re.sub(r"\[\[{{node.*|\[Op:\w+\].*", "", text, flags=re.DOTALL)
    text = re.sub(r"{{\w+ [^}]*}}|Error in user-defined function passed .* iterator: \S+", "", text)
    asserted = re.search(r"assertion failed: \[(.*)\]|Summarized data: b.(.*).", text, re.DOTALL)
    return " ".join(((asserted[1] or asserted[2]) if asserted else text).split())
