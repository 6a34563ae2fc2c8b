"""Finds the files of MovieLens-100K: an own copy, the cached one, or a new download."""

import hashlib
import os
from pathlib import Path

from pipelines.readers.fetch_wheel_files import fetch_wheel_files
from pipelines.sources._read_movielens_100k import FORMS

_REQUIREMENT = "recbole==1.2.1"
_WHEEL = "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407"
_FILES = {
    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
    "ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
}
_FIX = (
    "Or give a folder with your own copy of MovieLens-100K: --set data.path=FOLDER "
    "(--data-dir FOLDER of the demo)."
)


def find_movielens_100k(path: Path | None = None) -> tuple[Path, Path, Path]:
    """Returns the ratings, film and user files of MovieLens-100K.

    Without `path` they come from the cache of the user, `$XDG_CACHE_HOME/tfrs_afm/ml-100k` or
    `~/.cache/tfrs_afm/ml-100k`, and get there from the wheel of RecBole 1.2.1, which carries the
    data set and which pip fetches. Whole and unchanged is checked by sha256 each time.

    Args:
        path: A folder with an own copy: RecBole's `ml-100k.inter`, `.item` and `.user`, or
            GroupLens' `u.data`, `u.item` and `u.user`.

    Returns:
        Paths of three files that exist.

    Raises:
        ValueError: If `path` lacks the files, or the download is not the expected one.
        RuntimeError: If pip cannot download the wheel.
    """
    if path is not None:
        return _own(path)
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "tfrs_afm" / "ml-100k"
    files = _in(folder, FORMS[0])
    if not all(one.is_file() and _sha256(one) == _FILES[one.name] for one in files):
        members = {name: f"recbole/dataset_example/ml-100k/{name}" for name in _FILES}
        fetch_wheel_files(_REQUIREMENT, _WHEEL, members, folder, _FIX)
    return files


def _own(folder: Path) -> tuple[Path, Path, Path]:
    for names in FORMS:
        files = _in(folder, names)
        if all(one.is_file() for one in files):
            return files
    wanted = " or ".join(", ".join(names) for names in FORMS)
    raise ValueError(
        f"`data.path` must be a folder with {wanted}. Received: data.path={folder}. "
        "Leave it out (and --data-dir of the demo) to have the files downloaded."
    )


def _in(folder: Path, names: tuple[str, str, str]) -> tuple[Path, Path, Path]:
    return folder / names[0], folder / names[1], folder / names[2]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
