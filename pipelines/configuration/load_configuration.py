"""A configuration from a file."""

import difflib
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydantic

from pipelines.configuration.absolute_paths import absolute_paths
from pipelines.configuration.coerced import coerced
from pipelines.configuration.configuration import Configuration
from pipelines.configuration.explained import explained
from pipelines.configuration.override import override

_RECIPES = Path(__file__).parents[1] / "recipes"


def load_configuration(path_or_recipe: str | Path, overrides: Sequence[str] = ()) -> Configuration:
    """Reads and checks a configuration.

    Relative paths in a file are relative to its folder, those in a recipe and in `overrides` to
    the folder the program runs in.

    Args:
        path_or_recipe: A `.toml` or `.json` file, or the name of a recipe that comes with the
            package, as "movielens-100k-afm".
        overrides: Values to set before the check, as "training.epochs=3"; see `override`.

    Returns:
        The configuration.

    Raises:
        ValueError: If there is no such file or recipe, or something in it is not as it must be;
            the key, its value, the rule and the file are named.
    """
    path = _find(path_or_recipe)
    folder = Path.cwd() if path.parent == _RECIPES else path.parent.absolute()
    content = absolute_paths(_read(path), folder)
    for text in overrides:
        override(content, text)
    try:
        made = Configuration.model_validate(content)
    except pydantic.ValidationError as error:
        raise ValueError(explained(error, content, Configuration, path.name)) from None
    for key, rule, value in coerced(content, made):
        raise ValueError(f"`{key}` must {rule}. Received: {key}={value!r} in '{path.name}'.")
    return made


def _find(path_or_recipe: str | Path) -> Path:
    path = Path(path_or_recipe)
    if path.is_file():
        return path
    recipe = _RECIPES / f"{path_or_recipe}.toml"
    if recipe.is_file():
        return recipe
    known = sorted(file.stem for file in _RECIPES.glob("*.toml"))
    near = difflib.get_close_matches(str(path_or_recipe), known, 1)
    fix = f"Did you mean {near[0]}?" if near else f"The recipes are {', '.join(known) or 'none'}."
    raise ValueError(
        "`--config` must be a .toml or .json file that exists, or a recipe. "
        f"Received: --config {path_or_recipe}. {fix}"
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        form = "JSON" if path.suffix == ".json" else "TOML"
        raise ValueError(
            f"`{path}` must be {form}. Received: a file that is not: {error}. Put it right there."
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f"`{path}` must hold an object. Received: {type(content).__name__}. See the recipes."
        )
    return content
