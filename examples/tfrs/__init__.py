"""TensorFlow Recommenders' tutorials with the parts of tfrs_afm, on made-up data."""
