"""`python -m serving verify`."""

import argparse
import sys
import tempfile
from pathlib import Path

from serving.commands.command import Command
from serving.publishing.is_object_store import is_object_store


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", help="a version folder, the one with saved_model.pb, or its address with '://'"
    )


def _run(arguments: argparse.Namespace) -> int:
    from serving.verification.verify import verify

    if is_object_store(arguments.path):
        from serving.publishing.object_store import download

        with tempfile.TemporaryDirectory() as temporary:
            download(arguments.path, Path(temporary))
            rows = verify(Path(temporary))
    else:
        rows = verify(Path(arguments.path))
    sys.stdout.write(f"{rows} golden rows answered as the trained model did\n")
    return 0


VERIFY = Command(
    name="verify",
    summary="compare a version's answers with the trained model's",
    description=(
        "Loads a version that `serving.export` wrote, by the C library that is inside TensorFlow "
        "Serving, and asks every signature its golden rows: at once, in pairs and one by one. "
        "Exits with status 1 and says which row of which signature differs by how much."
    ),
    example="python -m serving verify models/ranker/3",
    add_arguments=_add_arguments,
    run=_run,
)
