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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps a file with one worker, and with it all tests that share an exported model.

    An export is verified in a fresh process and takes seconds; a worker more would export again.
    """
    for item in items:
        shared = {"afm", "deepfm"} & set(getattr(item, "fixturenames", ()))
        item.add_marker(pytest.mark.xdist_group("exported" if shared else item.location[0]))


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    tf.keras.utils.set_random_seed(7)
