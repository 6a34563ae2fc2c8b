"""Imports TensorFlow without its greetings."""

import os
import sys
import tempfile


def load_tensorflow() -> None:
    """Imports TensorFlow and keeps back what its libraries write to stderr while they load.

    They tell of instruction sets and missing GPU drivers before any setting can stop them. A
    command that is quiet when all is well needs this; a library must not do it, so nothing but
    programs call it. If the import fails, everything is shown. From then on what goes wrong comes
    as a Python exception only: TensorFlow's native code is silent, unless `TF_CPP_MIN_LOG_LEVEL`
    is set already, and its Python code no longer warns of `tf.feature_column` at each column.

    Raises:
        ImportError: If TensorFlow cannot be imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            import tensorflow as tf

            tf.get_logger().setLevel("ERROR")
        except BaseException:
            kept.seek(0)
            os.write(stderr, kept.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
