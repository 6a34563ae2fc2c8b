"""The local server's settings as command-line flags, spelt as the real server spells them."""

import argparse
from dataclasses import MISSING, fields
from typing import Any

from serving.server.options import ServerOptions


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "1", "t", "yes"):
        return True
    if text.lower() in ("false", "0", "f", "no"):
        return False
    raise argparse.ArgumentTypeError(f"must be true or false. Received: {text!r}")


def _help(name: str) -> str:
    """The attribute's description in the docstring of ServerOptions: one text, two readers."""
    lines = (ServerOptions.__doc__ or "").splitlines()
    start = next(i for i, line in enumerate(lines) if line.strip().startswith(f"{name}: "))
    text = lines[start].strip().partition(": ")[2]
    for line in lines[start + 1 :]:
        if not line.startswith(" " * 12):
            break
        text += " " + line.strip()
    return text.replace("%", "%%").replace("`", "")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds a flag for every field of ServerOptions.

    Args:
        parser: The parser of the `serve` command.
    """
    for field in fields(ServerOptions):
        default: Any = field.default
        if default is MISSING:
            raise TypeError(f"`{field.name}` must have a default. Received: none. Give it one.")
        kind: Any = float if field.type is float else type(default)  # a default may be whole
        kind = _boolean if kind is bool else kind
        extra: dict[str, Any] = {"nargs": "?", "const": True} if kind is _boolean else {}
        parser.add_argument(
            f"--{field.name}",
            type=kind,
            default=default,
            metavar="true|false" if kind is _boolean else field.name.rpartition("_")[2].upper(),
            help=f"{_help(field.name)} Default: {default!r}.",
            **extra,
        )


def options_from(arguments: argparse.Namespace) -> ServerOptions:
    """The ServerOptions that parsed flags hold.

    Raises:
        ValueError: If a value is out of range.
    """
    return ServerOptions(**{f.name: getattr(arguments, f.name) for f in fields(ServerOptions)})
