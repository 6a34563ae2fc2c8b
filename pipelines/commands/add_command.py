"""One command with its help."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def add_command(
    commands: Any,
    name: str,
    summary: str,
    about: str,
    examples: str,
    run: Callable[[argparse.Namespace], None],
    *,
    configured: bool = True,
) -> argparse.ArgumentParser:
    """Adds a command with the options that all have: `--config`, `--set` and `--out`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
        name: The command.
        summary: What it does, in one line.
        about: What it does.
        examples: How it is called.
        run: Is called with the options.
        configured: Whether it begins with a configuration; otherwise with the folder of a run,
            which holds one.

    Returns:
        The parser of the command.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=about,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config",
        required=configured,
        metavar="FILE_OR_RECIPE",
        help="a .toml or .json file, or a recipe"
        + ("" if configured else " (default: the configuration in --out)"),
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a value to set, as training.epochs=3; may be repeated",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="the folder of the run"
    )
    parser.set_defaults(run=run)
    return parser
