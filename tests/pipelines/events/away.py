"""A file system of Beam that is not this machine's, as far as a path tells: `away://`."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.localfilesystem import LocalFileSystem


class Away(LocalFileSystem):
    """Keeps its files in a local folder, and cannot move a folder."""

    root = Path()
    written: list[str]

    @classmethod
    def scheme(cls) -> str:
        return "away"

    def _here(self, path: str) -> str:
        assert path.startswith("away://"), path
        return str(self.root / path.removeprefix("away://"))

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        folder, _, name = path.rpartition("/")
        return folder, name

    def mkdirs(self, path: str) -> None:
        Path(self._here(path)).mkdir(parents=True, exist_ok=True)

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for path in sorted(self.root.rglob("*")):
            name = f"away://{path.relative_to(self.root)}"
            if path.is_file() and name.startswith(dir_or_prefix):
                yield self.metadata(name)

    def metadata(self, path: str) -> FileMetadata:
        found = Path(self._here(path)).stat()
        return FileMetadata(path, found.st_size, found.st_mtime)

    def create(self, path: str, *args: Any, **kwargs: Any) -> Any:
        type(self).written.append(path)
        Path(self._here(path)).parent.mkdir(parents=True, exist_ok=True)
        return super().create(self._here(path), *args, **kwargs)

    def open(self, path: str, *args: Any, **kwargs: Any) -> Any:
        return super().open(self._here(path), *args, **kwargs)

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for source, target in zip(source_file_names, destination_file_names, strict=True):
            assert Path(self._here(source)).is_file(), "an object store has no folders"
            type(self).written.append(target)
            Path(self._here(source)).replace(self._here(target))

    def exists(self, path: str) -> bool:
        return super().exists(self._here(path))

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            here = Path(self._here(path))
            shutil.rmtree(here) if here.is_dir() else here.unlink()
