"""AFM and DeepFM over TensorFlow feature columns, for TensorFlow Recommenders."""

from tfrs_afm import _keras2 as _keras2
