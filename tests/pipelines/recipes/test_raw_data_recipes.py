"""Every recipe on a few made-up rows in the raw form of its data."""

import gzip
import random
from collections.abc import Callable
from pathlib import Path

import pytest

import pipelines.recipes
from pipelines.configuration.load_configuration import load_configuration
from pipelines.configuration.raw_features import raw_features
from pipelines.runs.train_run import train_run
from pipelines.sources.source import find_source
from tests.pipelines.sources import (
    test_adult,
    test_avazu,
    test_frappe,
    test_lastfm,
    test_movielens_1m,
)


def criteo(folder: Path) -> Path:
    draw = random.Random(1)
    lines = [
        [
            str(row % 2),
            *[str(draw.randrange(50)) if draw.random() < 0.8 else "" for _ in range(13)],
            *[f"{draw.randrange(9):08x}" if draw.random() < 0.8 else "" for _ in range(26)],
        ]
        for row in range(100)
    ]
    (folder / "train.txt").write_text("".join("\t".join(cells) + "\n" for cells in lines))
    return folder


def avazu(folder: Path) -> Path:
    draw = random.Random(1)
    rows = [[str(row % 2), f"141021{draw.randrange(24):02}"] for row in range(100)]
    lines = [
        ",".join([str(number), *row, *(f"{draw.randrange(9):08x}" for _ in range(21))])
        for number, row in enumerate(rows)
    ]
    with gzip.open(folder / "train.gz", "wt") as file:
        file.write("\n".join([",".join(test_avazu.HEADER), *lines]) + "\n")
    return folder


def nothing(folder: Path) -> Path:
    return folder


RAW: dict[str, Callable[[Path], Path]] = {
    "adult": test_adult.written,
    "avazu": avazu,
    "criteo": criteo,
    "frappe": test_frappe.written,
    "lastfm": test_lastfm.written,
    "movielens-1m": test_movielens_1m.ranking_files,
    "movielens-1m-ranking": test_movielens_1m.ranking_files,
    "synthetic": nothing,
}
SOURCES = {
    file.stem: str(load_configuration(file.stem).data.source)
    for file in Path(pipelines.recipes.__path__[0]).glob("*.toml")
}
# MovieLens-100K has tests of its own.
RECIPES = sorted(name for name, source in SOURCES.items() if source != "movielens-100k")


def raw(recipe: str, folder: Path) -> Path:
    return RAW[SOURCES[recipe]](folder)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_columns_of_a_recipe_are_in_its_rows(recipe: str, tmp_path: Path) -> None:
    configuration = load_configuration(recipe)
    data = configuration.data
    parts = find_source(str(data.source))(raw(recipe, tmp_path), data.settings)
    row = next(iter(parts["train"]))
    wanted = {*raw_features(configuration), data.label, *([data.group] if data.group else [])}
    assert wanted <= set(row)
    assert ("validation" in parts) != (data.split is not None)


@pytest.mark.long
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_trains(recipe: str, tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    folder.mkdir()
    overrides = [
        f'data.path="{raw(recipe, folder)}"',
        "training.epochs=1",
        "data.batch_size=64",
        "data.shards=1",  # some parts have one row
        "evaluation.bootstrap=0",
    ]
    configuration = load_configuration(recipe, overrides)
    metrics = train_run(configuration, tmp_path / "run")
    found = metrics["validation"][configuration.model.kind]
    names = configuration.evaluation.metrics or ("auc",)
    assert all(any(one.startswith(name) for one in found) for name in names)


@pytest.mark.long
def test_the_planted_pair_is_learnt(tmp_path: Path) -> None:
    configuration = load_configuration("synthetic-afm", ["evaluation.bootstrap=0"])
    metrics = train_run(configuration, tmp_path / "run")
    assert metrics["test"]["AFM"]["auc"]["value"] > 0.99
