"""python -m pipelines prepare."""

import argparse
from typing import Any

from pipelines.commands.add_command import add_command
from pipelines.commands.configuration_of import configuration_of

_ABOUT = """\
Prepare the data of a configuration: rows of any format to training, validation and test examples.

Writes FOLDER/data: TFRecord of tf.Example, and feature_spec.json with what was fitted on the
training part. What is there already from the same files and settings is kept; what a run was
trained on is never replaced; an interrupted run leaves nothing behind. `train` does this by itself.
"""
_EXAMPLES = """\
  python -m pipelines prepare --config clicks.toml --out runs/clicks
  python -m pipelines prepare --config clicks.toml --set data.on_bad_row=skip --out runs/clicks
"""


def add_prepare(commands: Any) -> None:
    """Adds the command `prepare`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "rows to training, validation and test examples"
    add_command(commands, "prepare", summary, _ABOUT, _EXAMPLES, _run)


def _run(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.preparation.prepare import prepare
    from pipelines.runs.run_folder import RunFolder

    folder = RunFolder(options.out)
    data = options.out / "data"
    spec = prepare(configuration_of(options), data, replace=not folder.has_begun)
    for name, part in spec.parts.items():
        share = "" if part.positives is None else f", {part.positives / part.examples:.1%} positive"
        print(f"{name:<11}{part.examples:>9} examples{share}")
