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


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps a file on one worker, and on one and the same all that need the exported models.

    Tests of a file may share what a module's fixture made; exporting takes half a minute.
    """
    exported = {
        item.path for item in items if {"afm", "deepfm"} & set(getattr(item, "fixturenames", ()))
    }
    for item in items:
        group = "exported" if item.path in exported else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    tf.keras.utils.set_random_seed(7)
