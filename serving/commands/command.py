"""The form of a sub-command, and the flags that clients share."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serving.client.client import Client


@dataclass(frozen=True)
class Command:
    """A sub-command of `python -m serving`.

    Attributes:
        name: What the user types.
        summary: One line for the list of commands.
        description: What it does, for its own `--help`.
        example: A command line that works.
        add_arguments: Declares its arguments.
        run: Does it and returns the exit status.
    """

    name: str
    summary: str
    description: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def add_client_flags(parser: argparse.ArgumentParser) -> None:
    """Adds address, model and schema.

    Args:
        parser: The parser of a command that asks a model.
    """
    parser.add_argument(
        "address", help="host:port for gRPC, http://host:port for REST, or a version folder"
    )
    parser.add_argument("--model_name", default="default", help="the model's name on the server")
    parser.add_argument(
        "--schema",
        help="version folder, base path, JSON file or http address of the model's sidecar; "
        "default: the folder in address",
    )
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds for a call")


def client_from(arguments: argparse.Namespace) -> Client:
    """The client that parsed flags describe.

    Raises:
        ValueError: If they do not fit together.
    """
    return Client(
        arguments.address, arguments.model_name, arguments.schema, timeout=arguments.timeout
    )


def json_argument(text: str) -> Any:
    """JSON from the command line, a file or standard input.

    Args:
        text: JSON itself, the name of a file with JSON or one JSON value a line, or `-`.

    Raises:
        ValueError: If it is no JSON.
    """
    if text == "-":
        text = sys.stdin.read()
    elif not text.lstrip().startswith(("{", "[")):
        text = Path(text).read_text(encoding="utf-8")
    try:
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"What is asked must be JSON, or a file of it. Received: {text[:60]!r} ({error}). "
            "Quote it for the shell: '[{\"user\": 1}]'."
        ) from error
