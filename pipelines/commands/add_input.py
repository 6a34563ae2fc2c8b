"""The options that say which rows a trained model is asked for."""

import argparse

_FORMATS = ["csv", "parquet", "jsonl", "tfrecord", "sequence_example", "libsvm", "libffm"]


def add_input(parser: argparse.ArgumentParser) -> None:
    """Adds `--part`, `--input` and `--format`.

    Args:
        parser: The parser of a command.
    """
    parser.add_argument(
        "--part",
        choices=["train", "validation", "test"],
        default="test",
        help="which of the prepared examples (default: %(default)s)",
    )
    parser.add_argument(
        "--input", nargs="+", default=[], metavar="FILE", help="files or globs instead of a part"
    )
    parser.add_argument(
        "--format", choices=_FORMATS, help="how the files are written (default: by their ending)"
    )
