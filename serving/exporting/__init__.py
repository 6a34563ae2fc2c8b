"""A trained model to a SavedModel that TensorFlow Serving answers from."""
