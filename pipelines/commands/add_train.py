"""python -m pipelines train."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.commands.add_command import add_command
from pipelines.commands.configuration_of import configuration_of
from pipelines.commands.print_metrics import print_metrics

_ABOUT = """\
Train the model of a configuration, keep its best weights, and judge it on all other parts.

FOLDER then holds configuration.json (all defaults included), data, checkpoints, logs for
TensorBoard, history.jsonl with a line an epoch, model.keras with the best weights and metrics.json.
A run that was stopped at any moment goes on with --resume and ends with the same weights.
With --warm-start the model begins with the rows and weights of an earlier run, also where
vocabularies or columns have changed since; carried_over.txt says what was carried over.
"""
_EXAMPLES = """\
  python -m pipelines train --config clicks.toml --out runs/clicks
  python -m pipelines train --config clicks.toml --set training.epochs=5 --out runs/clicks --resume
  python -m pipelines train --config clicks.toml --set model.kind=DeepFM --out runs/deepfm
  python -m pipelines train --config clicks.toml --out runs/today --warm-start runs/yesterday
  tensorboard --logdir runs
"""


def add_train(commands: Any) -> None:
    """Adds the command `train`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a configuration to a trained model and its metrics"
    parser = add_command(commands, "train", summary, _ABOUT, _EXAMPLES, _run)
    parser.add_argument("--resume", action="store_true", help="go on with a run that was stopped")
    parser.add_argument(
        "--warm-start",
        type=Path,
        metavar="FOLDER",
        help="a run whose model this one begins with",
    )


def _run(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.runs.train_run import train_run

    configuration = configuration_of(options)
    metrics = train_run(
        configuration, options.out, resume=options.resume, warm_start=options.warm_start
    )
    for part, found in metrics.items():
        print(f"{part}:")
        print_metrics(found, configuration.data.group)
