"""What of this package runs on Keras 3; the rest is on Keras 2, as TensorFlow Recommenders is."""
