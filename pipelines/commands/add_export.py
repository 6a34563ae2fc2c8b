"""python -m pipelines export."""

import argparse
from typing import Any

from pipelines.commands.add_command import add_command
from pipelines.commands.configuration_of import configuration_of

_ABOUT = """\
Publish the model of a run as the next version that TensorFlow Serving serves.

Runs `python -m serving export` with the section `export`: signatures, golden rows of the test part,
a check in a fresh process, and only then the version appears. Prints its folder.
"""
_EXAMPLES = """\
  python -m pipelines export --out runs/clicks --base-path models/clicks
  python -m pipelines export --out runs/clicks --set export.keep_last=3
  python -m serving serve --model_name=clicks --model_base_path=models/clicks
"""


def add_export(commands: Any) -> None:
    """Adds the command `export`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a trained model to a version that TensorFlow Serving serves"
    parser = add_command(commands, "export", summary, _ABOUT, _EXAMPLES, _run, configured=False)
    parser.add_argument(
        "--base-path",
        metavar="FOLDER",
        help="the model's folder of versions, or an address with '://' (default: export.base_path "
        "of the configuration, or else export in the folder of the run)",
    )


def _run(options: argparse.Namespace) -> None:
    from pipelines.runs.export_run import export_run

    export_run(configuration_of(options), options.out, options.base_path)
