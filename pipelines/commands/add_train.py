"""python -m pipelines train."""

import argparse
from pathlib import Path
from typing import Any

_ABOUT = """\
Train AFM, DeepFM and a linear baseline on prepared examples, and judge them on the test part.

Each model keeps the weights with the best logloss on the validation part. The folder of the run
holds metrics.json and, for each model, its checkpoint and logs for TensorBoard. A run with the same
examples and settings that is there already is kept; an interrupted one leaves nothing behind.
"""
_EXAMPLES = """\
examples:
  python -m pipelines train --data data/ml-100k --out runs/ml-100k
  python -m pipelines train --data data/ml-100k --out runs/seed-2 --seed 2 --epochs 5
  tensorboard --logdir runs
"""


def add_train(commands: Any) -> None:
    """Adds the command `train`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    parser = commands.add_parser(
        "train",
        help="prepared examples to trained models and their metrics",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="a folder of `python -m pipelines prepare`"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder of the run to make")
    parser.add_argument(
        "--epochs", type=int, default=12, help="most passes over the data (default: %(default)s)"
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=2,
        help="passes without a better validation logloss after which training ends "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--batch-size", type=int, default=1024, help="examples a step (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="decides weights and order (default: %(default)s)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.evaluation.metrics_table import metrics_table
    from pipelines.recipes.movielens_100k.settings import Settings
    from pipelines.recipes.movielens_100k.train import train

    settings = Settings(
        batch_size=options.batch_size,
        epochs=options.epochs,
        patience=options.patience,
        seed=options.seed,
    )
    run = train(options.data, options.out, settings)
    print(metrics_table(run.metrics["test"], "user"))
