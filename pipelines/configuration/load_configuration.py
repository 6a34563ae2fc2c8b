"""A configuration from a file."""

import difflib
import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.section import S, checked

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
        ValueError: If there is no such file or recipe, or a value in it breaks a rule; the key, its
            value, the rule and the file are named.
    """
    return load_section(Configuration, _find(path_or_recipe), overrides)


def load_section(schema: type[S], path: Path, overrides: Sequence[str] = ()) -> S:
    """Reads and checks a section from a file of its own.

    Args:
        schema: The class of the section.
        path: A `.toml` or `.json` file.
        overrides: Values to set before the check; see `override`.

    Returns:
        The section.

    Raises:
        ValueError: If the file cannot be read, or a value breaks a rule; the key, its value, the
            rule and the file are named.
    """
    folder = Path.cwd() if path.parent == _RECIPES else path.parent.absolute()
    content = absolute_paths(_read(path), folder)
    for text in overrides:
        override(content, text)
    return checked(schema, content, path.name)


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
    if not path.is_file():
        raise ValueError(
            f"`--config` must be a .toml or .json file that exists. Received: --config {path}. "
            "Correct the path."
        )
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else _toml(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, JSONDecodeError, no text
        form = "JSON" if path.suffix == ".json" else "TOML"
        raise ValueError(
            f"`{path}` must be {form}. Received: a file that is not: {error}. Fix it there."
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f"`{path}` must hold an object. Received: {type(content).__name__}. See the recipes."
        )
    return content


_MOST_PARTS = 100  # of a dotted key
_QUOTED = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]+[ \t]*\.[ \t]*){{{_MOST_PARTS}}}")


def _toml(text: str) -> dict[str, Any]:
    # tomllib keeps each beginning of a dotted key: 200 kB of them would take all memory.
    if long := _LONG_KEY.search(_QUOTED.sub("q", text)):
        raise ValueError(f"a key of more than {_MOST_PARTS} parts, {long[0][:20]}...")
    return tomllib.loads(text)


_PART = re.compile(r"([A-Za-z_][\w-]*)|\[(\d+)\]")
_FORM = re.compile(r"[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*|\[\d+\])*")


def override(content: dict[str, Any], text: str) -> None:
    """Sets one value of a configuration that is not checked yet.

    Args:
        content: The configuration as nested dicts and lists; it is changed.
        text: `key=value`: a dotted key path as `training.epochs` or `columns[2].dimension`, and a
            TOML value; a word that is no TOML value is text. Relative paths are relative to the
            folder the program runs in.

    Raises:
        ValueError: If the text is not of this form, or the path leads through something else.

    Example:
        >>> content = {"model": {"kind": "AFM"}}
        >>> override(content, "model.kind=DeepFM")
        >>> content
        {'model': {'kind': 'DeepFM'}}
    """
    path, equals, value_text = text.partition("=")
    path = path.strip()
    if not equals or not _FORM.fullmatch(path):
        raise ValueError(
            f"`--set` must be key=value. Received: --set {text}. "
            "Write, for example, --set training.epochs=3 or --set columns[0].dimension=8."
        )
    if len(_PART.findall(path)) > _MOST_PARTS:
        raise ValueError(
            f"`--set` must have a key of at most {_MOST_PARTS} parts. Received: --set "
            f"{text[:60]}... Correct it."
        )
    keys: list[Any] = [name or int(place) for name, place in _PART.findall(path)]
    name, value = str(keys[-1]), _value(value_text.strip())
    if "lists" not in keys[:-1]:  # where keys are columns, as people name them
        value = absolute_paths({name: value}, Path.cwd())[name]
    place: Any = content
    for key, following in zip(keys, [*keys[1:], None], strict=True):
        if isinstance(key, int) != isinstance(place, list) or (
            isinstance(key, int) and key >= len(place)
        ):
            held = f"{len(place)} values" if isinstance(place, list) else "no list"
            raise ValueError(
                f"`--set` must follow the configuration. Received: --set {text}, where `{key}` "
                f"stands at {held}. Count from 0."
            )
        if following is None:
            place[key] = value
        elif isinstance(place, dict):
            place = place.setdefault(key, {})
        else:
            place = place[key]
        if following is not None and not isinstance(place, dict | list):
            raise ValueError(
                f"`--set` must follow the configuration. Received: --set {text}, where `{key}` is "
                f"{place!r} and has no keys. Set `{key}` as a whole."
            )


def _value(text: str) -> Any:
    try:
        parsed = _toml(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if set(parsed) == {"value"} else text


_KEYS = ("base_path", "files", "path", "prepared", "test", "train", "validation", "vocabulary_file")


def absolute_paths(content: Any, folder: Path) -> Any:
    """Returns a copy in which every value of a key that holds paths is absolute.

    Args:
        content: Nested dicts and lists.
        folder: What relative paths are relative to.

    Returns:
        The copy. Addresses with `://` stay as they are, and `~` is the home folder.

    Example:
        >>> absolute_paths({"data": {"train": ["a.csv"], "label": "b"}}, Path("/tmp"))
        {'data': {'train': ['/tmp/a.csv'], 'label': 'b'}}
    """
    if isinstance(content, list):
        return [absolute_paths(item, folder) for item in content]
    if not isinstance(content, dict):
        return content
    made = {}
    for key, value in content.items():
        if key == "lists":  # its keys are columns, as people name them
            made[key] = value
        else:
            made[key] = _absolute(value, folder) if key in _KEYS else absolute_paths(value, folder)
    return made


def _absolute(value: Any, folder: Path) -> Any:
    if isinstance(value, list):
        return [_absolute(item, folder) for item in value]
    if not isinstance(value, str) or "://" in value:
        return absolute_paths(value, folder)
    return str(folder / Path(value).expanduser())


def dump(configuration: Configuration) -> str:
    """Returns a configuration as JSON, defaults included.

    `load_configuration` reads it back, from any folder if paths are absolute, as those that it
    loaded from a file are.

    Args:
        configuration: Any.

    Returns:
        Indented JSON with a line end.
    """
    # Unlike pydantic's own text this keeps NaN, a number that is missing.
    return json.dumps(configuration.model_dump(mode="json"), indent=1) + "\n"
