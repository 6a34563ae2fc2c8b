"""python -m pipelines report."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.commands.add_command import add_command
from pipelines.commands.configuration_of import configuration_of

_ABOUT = """\
Write report.html into the folder of a run: one page that opens anywhere, without a network.

It shows the data, the learning curves, the metrics with confidence intervals beside the baselines,
calibration, ROC, metrics per slice (evaluation.user, evaluation.item and evaluation.slices of the
configuration), which field pairs the model attends to, the most telling examples taken apart, the
configuration and the versions.
"""
_EXAMPLES = """\
  python -m pipelines report --out runs/afm
  python -m pipelines report --out runs/afm --part validation --beside runs/linear runs/deepfm
"""


def add_report(commands: Any) -> None:
    """Adds the command `report`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a run to one HTML page"
    parser = add_command(commands, "report", summary, _ABOUT, _EXAMPLES, _run, configured=False)
    parser.add_argument(
        "--part",
        choices=["train", "validation", "test"],
        default="test",
        help="what curves, slices and examples are of (default: %(default)s)",
    )
    parser.add_argument(
        "--beside",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="other runs on the same examples to compare with, as one trained with --set "
        "model.kind=logistic_regression",
    )


def _run(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.report.write_report import write_report

    configuration = configuration_of(options)
    print(write_report(configuration, options.out, options.part, options.beside))
