"""`python -m serving publish`."""

import argparse
import shutil
import sys
from pathlib import Path

from serving.commands.command import Command
from serving.publishing.is_object_store import is_object_store
from serving.publishing.publish import publish


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "saved_model", help="folder that holds saved_model.pb, or its address with '://'"
    )
    parser.add_argument(
        "base_path", help="the model's folder of versions, or an address with '://'"
    )
    parser.add_argument("--keep_last", type=int, help="remove all versions but so many")


def _run(arguments: argparse.Namespace) -> int:
    def copy(folder: Path) -> None:
        if is_object_store(arguments.saved_model):
            from serving.publishing.object_store import download

            download(arguments.saved_model, folder)
        else:
            shutil.copytree(arguments.saved_model, folder, dirs_exist_ok=True)

    path = publish(copy, arguments.base_path, keep_last=arguments.keep_last)
    sys.stdout.write(f"{path}\n")
    return 0


PUBLISH = Command(
    name="publish",
    summary="copy a SavedModel to a base path as its next version",
    description=(
        "Copies a SavedModel into a hidden folder of the base path, forces it to disk, and "
        "renames it to the next version number, so that no server sees it half there. Prints "
        "the folder of the new version."
    ),
    example="python -m serving publish build/saved_model models/ranker --keep_last 3",
    add_arguments=_add_arguments,
    run=_run,
)
