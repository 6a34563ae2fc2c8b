"""What a raw data set is to everything else, and what readers of raw files share."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pydantic

from pipelines.configuration.section import Section, explained
from pipelines.readers.files import open_bytes

Row = dict[str, Any]
"""Feature -> int, float, str, a list of one of these, or None where there is no value."""


class Source(Protocol):
    """A function that reads a raw data set."""

    def __call__(
        self, path: Path | None, settings: Mapping[str, Any]
    ) -> Mapping[str, Iterable[Row]]:
        """Reads a raw data set.

        Args:
            path: Folder or file of the raw data, `data.path`; None where none was given.
            settings: What the data set lets one choose, `data.settings`, not checked yet.

        Returns:
            Split ("train", "validation", "test") -> its rows, label, weight, group and all features
            included. Each split can be gone through more than once, and gives the same rows in the
            same order each time. Where `data.split` is to split the rows, only "train".

        Raises:
            ValueError: If a file or a setting is invalid; file and line are named.
        """


_MODULES = {
    "adult": "adult",
    "avazu": "avazu",
    "criteo": "criteo",
    "frappe": "frappe",
    "lastfm": "lastfm",
    "movielens-100k": "movielens_100k",
    "movielens-1m": "movielens_1m",
    "movielens-1m-ranking": "movielens_1m",
    "synthetic": "synthetic",
}


def find_source(name: str) -> Source:
    """Returns the function that reads a raw data set.

    The data set "movielens-1m" is read by the function `movielens_1m`, in the module of this
    package that `_MODULES` names; it is imported when it is asked for.

    Args:
        name: `data.source` of a configuration.

    Returns:
        Its function, see `Source`.

    Raises:
        ValueError: If there is none of that name.
    """
    if name not in _MODULES:
        raise ValueError(
            f"`data.source` must be one of {', '.join(_MODULES)}. Received: data.source={name!r}."
        )
    module = importlib.import_module(f"pipelines.sources.{_MODULES[name]}")
    source: Source = getattr(module, name.replace("-", "_"))
    return source


def cells_of(
    path: Path, separator: str | None, num_cells: int | None = None, encoding: str = "utf-8"
) -> Iterator[tuple[int, list[str]]]:
    """Yields the cells of each line that is not blank.

    Args:
        path: The file, compressed or not.
        separator: What stands between cells. None: any white space.
        num_cells: How many a line must have. None: any number.
        encoding: Of the text.

    Yields:
        The number of the line, counted from 1, and its cells, without white space around them.

    Raises:
        ValueError: If a line has another number of cells, or the file holds no line.
    """
    empty = True
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            # No cell of these files ends in a separator of its own, so only the ends of lines go.
            text = line.decode(encoding).rstrip("\r\n")
            if not text.strip():
                continue
            empty = False
            cells = [cell.strip() for cell in text.split(separator)]
            if num_cells is not None and len(cells) != num_cells:
                raise ValueError(
                    f"A line must have {num_cells} cells. Received: {len(cells)} cells in {path}, "
                    f"line {number}. Download it again."
                )
            yield number, cells
    if empty:
        raise ValueError(f"`{path}` must hold rows. Received: none. Download it again.")


def file_of(folder: Path | None, source: str, *names: str) -> Path:
    """Finds a file that a raw data set needs.

    Args:
        folder: `data.path`.
        source: Name of the data set, for an error.
        names: What the file may be called; the first that is there is taken.

    Returns:
        The file.

    Raises:
        ValueError: If no folder was given, or none of the files is in it.
    """
    if folder is None:
        raise ValueError(
            f"`data.path` must be the folder of the raw data for data.source={source!r}. "
            "Received: nothing. Add it, or say --set data.path=FOLDER."
        )
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ValueError(
        f"`data.path` must hold {' or '.join(names)} for data.source={source!r}. "
        f"Received: data.path={str(folder)!r}. Give the folder that the data set unpacks to."
    )


def number_of(name: str, cell: str, path: Path, line: int) -> int:
    """Reads a whole number.

    Args:
        name: What it is, for an error.
        cell: Its text.
        path: The file it stands in.
        line: The line it stands in.

    Returns:
        The number.

    Raises:
        ValueError: If it is none; file and line are named.
    """
    try:
        return int(cell)
    except ValueError:
        raise ValueError(
            f"`{name}` must be a whole number. Received: {name}={cell!r} in {path}, line {line}. "
            "Download it again."
        ) from None


class RepeatedRows:
    """An iterable that starts over at each `iter`, and holds no row itself.

    Args:
        read: Yields the rows, the same ones in the same order each time.

    Example:
        >>> rows = RepeatedRows(lambda: iter([{"user": 1}]))
        >>> list(rows) == list(rows)
        True
    """

    def __init__(self, read: Callable[[], Iterator[Row]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[Row]:
        """Starts over."""
        return self._read()


_Settings = TypeVar("_Settings", bound=Section)


def settings_of(schema: type[_Settings], settings: Mapping[str, Any]) -> _Settings:
    """Checks `data.settings` by what a source declares.

    Args:
        schema: The settings that the source has.
        settings: What was given.

    Returns:
        The settings, with defaults.

    Raises:
        ValueError: If one is unknown or invalid; key, value and rule are named.
    """
    try:
        return schema.model_validate(dict(settings))
    except pydantic.ValidationError as error:
        raise ValueError(explained(error, dict(settings), schema, "data.settings")) from None
