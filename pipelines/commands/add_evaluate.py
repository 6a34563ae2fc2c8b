"""python -m pipelines evaluate."""

import argparse
import json
from pathlib import Path
from typing import Any

_ABOUT = """\
Judge trained models on one part of the prepared examples, beside two baselines.

auc           share of all pairs of a liked and an unliked film in which the liked one scores higher
logloss       mean negative log-likelihood of the labels; lower is better
per-user auc  auc among the films of one user, averaged over users by their number of ratings
ndcg 10       normalized discounted cumulative gain of each user's first ten films
"""
_EXAMPLES = """\
examples:
  python -m pipelines evaluate --data data/ml-100k --run runs/ml-100k
  python -m pipelines evaluate --data data/ml-100k --run runs/ml-100k --part validation --out m.json
"""


def add_evaluate(commands: Any) -> None:
    """Adds the command `evaluate`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    parser = commands.add_parser(
        "evaluate",
        help="trained models to a table of metrics",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="a folder of `python -m pipelines prepare`"
    )
    parser.add_argument(
        "--run",
        type=Path,
        required=True,
        help="a folder of `python -m pipelines train`",
        dest="trained",
    )
    parser.add_argument(
        "--part",
        choices=["train", "validation", "test"],
        default="test",
        help="which examples (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, help="a JSON file to write the metrics to as well")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.evaluation.metrics_table import metrics_table
    from pipelines.files.write_text import write_text
    from pipelines.recipes.movielens_100k.evaluate import evaluate

    metrics = evaluate(options.data, options.trained, [options.part])[options.part]
    if options.out:
        write_text(options.out, json.dumps(metrics, indent=1) + "\n")
    print(metrics_table(metrics, "user"))
