"""The method names that a signature may carry."""

PREDICT = "tensorflow/serving/predict"
"""Any named tensors in, any out."""

CLASSIFY = "tensorflow/serving/classify"
"""tf.Examples in, classes and scores out."""

REGRESS = "tensorflow/serving/regress"
"""tf.Examples in, one number each out."""

DEFAULT_SIGNATURE = "serving_default"
"""The signature of a request that names none."""
