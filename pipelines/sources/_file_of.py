"""A file of a raw data set."""

from pathlib import Path


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
