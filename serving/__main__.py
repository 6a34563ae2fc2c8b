"""Takes trained models to answered requests."""

import argparse
import os
import sys
from collections.abc import Sequence

from serving.commands.ask import BENCH, PREDICT, RANK
from serving.commands.models import EXPORT, PUBLISH, ROLLBACK, SERVE, VERIFY
from serving.status_error import StatusError

_COMMANDS = (EXPORT, VERIFY, PUBLISH, ROLLBACK, SERVE, PREDICT, RANK, BENCH)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="python -m serving",
        description="Takes a trained model to answered requests: publish SavedModels for "
        "TensorFlow Serving, and serve them locally for development and tests.",
        epilog=f"example: {SERVE.example}",
    )
    subparsers = top.add_subparsers(dest="command", required=True, metavar="command")
    for command in _COMMANDS:
        one = subparsers.add_parser(
            command.name,
            help=command.summary,
            description=command.description,
            epilog=f"example: {command.example}",
        )
        command.add_arguments(one)
        one.set_defaults(run=command.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: The arguments. Default: the process's.

    Returns:
        The exit status: 0, or 1 after an error, which is one line on stderr.
    """
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # TensorFlow then loads no Keras 3
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (ValueError, OSError, ImportError, StatusError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
