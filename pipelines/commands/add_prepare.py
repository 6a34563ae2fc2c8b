"""python -m pipelines prepare."""

import argparse
from pathlib import Path
from typing import Any

_ABOUT = """\
Prepare a data set: raw files to training, validation and test examples.

Writes TFRecord of tf.Example, feature_spec.json with what was fitted on the training part, and
films.json with titles. What is there already from the same files and settings is kept; an
interrupted run leaves nothing behind.

movielens-100k  100,000 ratings of films by GroupLens, University of Minnesota, for research and not
                for sale: https://files.grouplens.org/datasets/movielens/ml-100k-README.txt
                Fetched with pip out of the wheel of recbole 1.2.1 and kept in your cache folder.
"""
_EXAMPLES = """\
examples:
  python -m pipelines prepare movielens-100k --out data/ml-100k
  python -m pipelines prepare movielens-100k --out data/ml-100k --data-dir ~/ml-100k --history 20
"""


def add_prepare(commands: Any) -> None:
    """Adds the command `prepare`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    parser = commands.add_parser(
        "prepare",
        help="raw files to training, validation and test examples",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recipe", choices=["movielens-100k"], help="the data set")
    parser.add_argument("--out", type=Path, required=True, help="the folder to make")
    parser.add_argument(
        "--data-dir",
        type=Path,
        help="a folder with your own copy of the raw files (ml-100k.inter, .item, .user as RecBole "
        "has them, or u.data, u.item, u.user as GroupLens has them)",
    )
    parser.add_argument(
        "--history", type=int, default=50, help="most films in a history (default: %(default)s)"
    )
    parser.add_argument("--shards", type=int, default=4, help="files a part (default: %(default)s)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.recipes.movielens_100k.prepare import prepare

    spec = prepare(options.out, options.data_dir, options.history, options.shards)
    for name, part in spec.parts.items():
        share = (part.positives or 0) / part.examples
        print(f"{name:<11}{part.examples:>8} examples, {share:.1%} positive")
