"""python -m pipelines evaluate."""

import argparse
import json
from pathlib import Path
from typing import Any

from pipelines.commands.add_command import add_command
from pipelines.commands.add_input import add_input
from pipelines.commands.configuration_of import configuration_of
from pipelines.commands.print_metrics import print_metrics

_ABOUT = """\
Judge the model of a run on a part of its prepared examples, or on files of any format.

What is computed is said by the section `evaluation`: metrics, k, bootstrap and so on. The metrics
of a part go to FOLDER/metrics.json, those of files to --output, with confidence intervals.
"""
_EXAMPLES = """\
  python -m pipelines evaluate --out runs/clicks
  python -m pipelines evaluate --out runs/clicks --part validation --set evaluation.bootstrap=0
  python -m pipelines evaluate --out runs/clicks --input new.parquet --output metrics.json
"""


def add_evaluate(commands: Any) -> None:
    """Adds the command `evaluate`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a trained model to metrics with confidence intervals"
    parser = add_command(commands, "evaluate", summary, _ABOUT, _EXAMPLES, _run, configured=False)
    add_input(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="a JSON file for the metrics")


def _run(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.files.write_text import write_text
    from pipelines.runs.evaluate_run import evaluate_run

    configuration = configuration_of(options)
    metrics = evaluate_run(configuration, options.out, options.part, options.input, options.format)
    if options.output:
        write_text(options.output, json.dumps(metrics, indent=1) + "\n")
    print_metrics(metrics, configuration.data.group)
