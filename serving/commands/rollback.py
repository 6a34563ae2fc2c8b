"""`python -m serving rollback`."""

import argparse
import sys

from serving.commands.command import Command
from serving.publishing.rollback import rollback


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "base_path", help="the model's folder of versions, or an address with '://'"
    )
    parser.add_argument(
        "--to_version", type=int, help="the version to publish again; default: the second highest"
    )


def _run(arguments: argparse.Namespace) -> int:
    sys.stdout.write(f"{rollback(arguments.base_path, arguments.to_version)}\n")
    return 0


ROLLBACK = Command(
    name="rollback",
    summary="publish an earlier version again, under a new number",
    description=(
        "Copies an earlier version to the next version number. Servers take the highest number, "
        "so the way back is a new version. Prints its folder."
    ),
    example="python -m serving rollback models/ranker --to_version 7",
    add_arguments=_add_arguments,
    run=_run,
)
