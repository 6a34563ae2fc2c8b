"""The combiners that TensorFlow's embedding columns know."""

COMBINERS = ("mean", "sqrtn", "sum")
