"""Settings of every test: fixed seeds, and Keras 2 before anything touches tf.keras."""

import gc
import os
from collections.abc import Iterator
from typing import Any

# Two cores: TensorFlow's start-up notes and spare threads only get in the way.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # no Keras 3: each process starts a second sooner
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's threads spin for a while at each start

import hypothesis
import pytest

from tests import forked

# TensorFlow compiles on first use: the first example of a property may take seconds.
hypothesis.settings.register_profile(
    "house",
    deadline=None,
    max_examples=25,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    """Imports us first in each process that runs tests, and spares the one that hands them out."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return
    import tensorflow as tf

    import tfrs_afm as tfrs_afm

    tf.get_logger().setLevel("ERROR")
    # What is imported stays: the collector need not look at all of TensorFlow again and again.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def _forked_processes() -> Iterator[None]:
    with forked.installed():
        yield


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    import tensorflow as tf

    tf.keras.utils.set_random_seed(7)


# What takes minutes a file begins first: at the end one worker would be at it, and the other idle.
_FIRST = (
    "tests/pipelines/cluster/",
    "tests/serving/",
    "tests/test_keras2.py",
    "tests/test_notebooks.py",
    "tests/test_readme.py",
    "tests/pipelines/test_pipelines_page.py",
    "tests/pipelines/recipes/",
    "tests/pipelines/training/",
)


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders tests by how long their files take, otherwise as they were.

    Of a test that is marked `matrix` all cases but the first are marked `long`.
    """
    seen = set()
    for item in items:
        function = item.nodeid.partition("[")[0]
        if function in seen and item.get_closest_marker("matrix"):
            item.add_marker(pytest.mark.long)
        seen.add(function)

    def place(item: pytest.Item) -> int:
        found = (i for i, first in enumerate(_FIRST) if item.nodeid.startswith(first))
        return next(found, len(_FIRST))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keeps a file on one worker, and all of serving: its exported models take long to make."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # files of many tests first, which are the quick ones

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope: str = super()._split_scope(nodeid)
            return "serving" if scope.startswith("tests/serving/") else scope

    return ByFile(config, log)
