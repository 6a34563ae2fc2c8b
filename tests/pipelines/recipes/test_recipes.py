from pathlib import Path

import pytest

import pipelines.recipes
from pipelines.configuration.load_configuration import load_configuration
from pipelines.configuration.raw_features import raw_features

RECIPES = sorted(path.stem for path in Path(pipelines.recipes.__path__[0]).glob("*.toml"))


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_a_whole_configuration(name: str) -> None:
    configuration = load_configuration(name)
    assert configuration.data.source is not None
    assert raw_features(configuration)


def test_a_recipe_of_nearly_that_name_is_offered() -> None:
    with pytest.raises(ValueError, match=r"Did you mean movielens-100k-afm\?"):
        load_configuration("movielens-100k-amf")
