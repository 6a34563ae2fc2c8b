"""The messages of TensorFlow Serving's protocol, without TensorFlow."""
