"""Selects Keras 2 (the tf_keras package), which TensorFlow Recommenders needs."""

import os

import tensorflow as tf


def require_keras2() -> None:
    """Makes `tf.keras` be Keras 2, or says how.

    TensorFlow resolves `tf.keras` at its first use and then keeps it, so this works also after
    `import tensorflow`, as long as nothing has touched `tf.keras` yet.

    Raises:
        ImportError: If `tf.keras` is Keras 3 already, or tf-keras is not installed.
    """
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    module = tf.keras.Model.__module__
    if not module.startswith("tf_keras"):
        raise ImportError(
            f"`tf.keras` must be Keras 2 (tf_keras). Received: a Model from '{module}'. "
            "Set the environment variable TF_USE_LEGACY_KERAS=1, or import tfrs_afm before "
            "anything uses tf.keras."
        )


require_keras2()
