"""SavedModels run by TensorFlow's C library, the loader inside TensorFlow Serving."""
