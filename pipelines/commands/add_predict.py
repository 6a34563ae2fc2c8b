"""python -m pipelines predict."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.commands.add_command import add_command
from pipelines.commands.add_input import add_input
from pipelines.commands.configuration_of import configuration_of

_ABOUT = """\
Write the prediction of the model of a run for each row of a part, or of files of any format.

Files need no label. The ending of --output says how it is written: .json, .csv or .parquet.
"""
_EXAMPLES = """\
  python -m pipelines predict --out runs/clicks --output predictions.csv
  python -m pipelines predict --out runs/clicks --input new.csv --output predictions.parquet
"""


def add_predict(commands: Any) -> None:
    """Adds the command `predict`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a trained model to predictions in a file"
    parser = add_command(commands, "predict", summary, _ABOUT, _EXAMPLES, _run, configured=False)
    add_input(parser)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the file to write (default: predictions.csv in the folder of the run)",
    )


def _run(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.runs.predict_run import predict_run

    output = options.output or options.out / "predictions.csv"
    count = predict_run(
        configuration_of(options),
        options.out,
        output,
        options.part,
        options.input,
        options.format,
    )
    print(f"{count} predictions in {output}")
