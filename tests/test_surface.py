"""What is public is what a package's `__all__` says, and nothing else."""

import importlib
import inspect
import subprocess
import sys
import types
from pathlib import Path

import pytest

ROOMS = [
    "tfrs_afm",
    "tfrs_afm.embeddings",
    "tfrs_afm.growth",
    "tfrs_afm.interactions",
    "tfrs_afm.keras3.interactions",
    "tfrs_afm.kernels",
    "tfrs_afm.models",
    "tfrs_afm.optimizers",
    "tfrs_afm.tasks",
    "tfrs_afm.tasks.calibration",
    "tfrs_afm.tasks.losses",
    "tfrs_afm.tasks.metrics",
]
LAZY = ["pipelines", "serving"]


@pytest.mark.parametrize("room", ROOMS)
def test_all_names_what_the_package_brings_in_and_nothing_else(room: str) -> None:
    package = importlib.import_module(room)
    made_here = hasattr(package, "__path__")
    found = {
        name
        for name, value in vars(package).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and (made_here or getattr(value, "__module__", None) == room)
    }
    modules = {name for name in package.__all__ if inspect.ismodule(getattr(package, name))}
    if not made_here:  # a module exports what its package's readers look up, not its parts
        found &= set(package.__all__)
    assert set(package.__all__) == found | modules


@pytest.mark.parametrize("room", LAZY)
def test_lazy_names_are_all_there_and_documented(room: str) -> None:
    package = importlib.import_module(room)
    assert sorted(package._HOMES) == sorted(package.__all__) == dir(package)
    source = Path(str(package.__file__)).read_text(encoding="utf-8")
    for name in package.__all__:
        assert getattr(package, name).__doc__, name
        assert f"as {name}\n" in source, name  # what a type checker sees
    with pytest.raises(AttributeError, match=f"module '{room}' has no attribute 'nothing'"):
        _ = package.nothing


@pytest.mark.parametrize("room", LAZY)
def test_no_submodule_takes_the_name_of_a_verb(room: str) -> None:
    """Importing it would put the module where the function was."""
    package = importlib.import_module(room)
    folder = Path(str(package.__file__)).parent
    assert not {path.stem for path in folder.iterdir()} & set(package.__all__)


@pytest.mark.parametrize("room", LAZY)
def test_a_configuration_or_a_client_costs_no_tensorflow(room: str) -> None:
    names = {"pipelines": "Configuration, Column, EventSettings, load_configuration"}
    program = f"from {room} import {names.get(room, 'Client, ClientError')}; import sys; "
    program += "assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.long
def test_workers_of_beam_load_no_tensorflow_to_read_records() -> None:
    program = "import pipelines.events.beam_pipeline, sys; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_nothing_goes_by_the_clock_of_the_wall() -> None:
    """It may jump back: versions are numbered, locks are the kernel's, deadlines are monotonic."""
    root = Path(__file__).parents[1]
    files = [
        one for name in ("tfrs_afm", "pipelines", "serving") for one in (root / name).rglob("*.py")
    ]
    words = ("time.time(", "time_ns(", "datetime.now(", "utcnow(", "date.today(")
    found = [f"{file}: {word}" for file in files for word in words if word in file.read_text()]
    assert len(files) > 100
    assert found == []
