"""A stand-in for TensorFlow Serving's model server, for development and tests."""
