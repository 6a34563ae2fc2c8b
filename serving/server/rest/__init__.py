"""TensorFlow Serving's REST API: JSON in, JSON out, the same answers as over gRPC."""
