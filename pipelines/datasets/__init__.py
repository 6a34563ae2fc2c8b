"""TFRecord of examples to batches of features and labels."""
