"""The form of a sub-command."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass


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
