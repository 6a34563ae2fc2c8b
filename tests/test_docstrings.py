import doctest
import importlib
import pkgutil

import pytest

import pipelines
import serving
import tfrs_afm

MODULES = [
    name
    for package in (tfrs_afm, pipelines, serving)
    for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not name.endswith("__main__")
]

# Results, abstract classes and rooms.
NOT_BUILT_BY_USERS = (
    "Contributions",
    "InteractionCost",
    "GroupedLoss",
    "GroupedMetric",
    "calibration",
    "losses",
    "metrics",
)


@pytest.mark.parametrize("name", MODULES)
def test_every_example_in_a_docstring_runs(name: str) -> None:
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert failed == 0


_ROOMS = (
    "interactions",
    "keras3.interactions",
    "tasks",
    "tasks.calibration",
    "tasks.losses",
    "tasks.metrics",
    "models",
)


@pytest.mark.parametrize(
    "name",
    [
        "FieldEmbedding",
        "Normalizer",
        "piecewise_linear_column",
        "shared_embeddings",
        "sequence_bucketized_column",
        "sequence_crossed_column",
        "sequence_weighted_categorical_column",
        "parse_spec",
        "explain",
        "explain_dataset",
    ]
    + [
        f"{room}.{name}"
        for room in _ROOMS
        for name in importlib.import_module(f"tfrs_afm.{room}").__all__
        if name not in NOT_BUILT_BY_USERS
    ],
)
def test_every_public_name_has_an_example(name: str) -> None:
    thing = tfrs_afm
    for part in name.split("."):
        thing = getattr(thing, part)
    assert ">>>" in (thing.__doc__ or "")
