"""Settings of every test: fixed seeds, and Keras 2 before anything touches tf.keras."""

import os

# Two cores: TensorFlow's start-up notes and spare threads only get in the way.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import hypothesis
import pytest
import tensorflow as tf

import tfrs_afm as tfrs_afm

tf.get_logger().setLevel("ERROR")
# TensorFlow compiles on first use: the first example of a property may take seconds.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("house")


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    tf.keras.utils.set_random_seed(7)
