"""What the commands of `python -m pipelines` share: form, input files, the printed table."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from pipelines.configuration.configuration import Configuration, Format


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
    add_set(parser)
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="the folder of the run"
    )
    parser.set_defaults(run=run)
    return parser


def add_set(parser: argparse.ArgumentParser) -> None:
    """Adds `--set`, which changes values of the file that `--config` names.

    Args:
        parser: The parser of a command.
    """
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a value to set, as training.epochs=3; may be repeated",
    )


_FORMATS = list(get_args(Format))


def add_input(parser: argparse.ArgumentParser) -> None:
    """Adds `--split`, `--input` and `--format`.

    Args:
        parser: The parser of a command.
    """
    parser.add_argument(
        "--split",
        "--part",  # as it was called before
        dest="part",
        choices=["train", "validation", "test"],
        default="test",
        help="which of the prepared examples (default: %(default)s)",
    )
    parser.add_argument(
        "--input", nargs="+", default=[], metavar="FILE", help="files or globs instead of a split"
    )
    parser.add_argument(
        "--format", choices=_FORMATS, help="how the files are written (default: by their ending)"
    )


def configuration_of(options: argparse.Namespace) -> Configuration:
    """Returns the configuration of `--config` and `--set`, or that in `--out`.

    Args:
        options: Those of `add_command`.

    Raises:
        ValueError: If there is none, or a value in it is invalid.
    """
    from pipelines.configuration.load_configuration import load_configuration
    from pipelines.runs.run_folder import RunFolder

    if options.out.exists() and not options.out.is_dir():
        raise ValueError(
            f"`--out` must be a folder. Received: --out {options.out}, a file. Name another."
        )
    if options.config is None:
        return RunFolder(options.out).configuration(options.set)
    return load_configuration(options.config, options.set)


def print_metrics(metrics: Mapping[str, Mapping[str, Any]], group: str | None) -> None:
    """Prints the metrics of models as a table.

    Args:
        metrics: Model or baseline -> metric -> `{value, low, high}`.
        group: What a group is.

    Example:
        >>> print_metrics({"AFM": {"auc": {"value": 0.75, "low": 0.7, "high": 0.8}}}, None)
                auc
        AFM  0.7500
    """
    from pipelines.evaluation.evaluate import metrics_table

    values = {
        model: {
            name: float("nan") if found["value"] is None else found["value"]
            for name, found in row.items()
        }
        for model, row in metrics.items()
    }
    print(printable(metrics_table(values, group or "group")))


def printable(text: str) -> str:
    r"""Returns text for a terminal: what data or file names hold there cannot steer it.

    Args:
        text: A message or table. Ends of line and tabs stay.

    Example:
        >>> printable("a column 'age\x1b[2J'")
        "a column 'age\\x1b[2J'"
    """
    return "".join(
        one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode()
        for one in text
    )
