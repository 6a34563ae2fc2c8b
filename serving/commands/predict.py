"""`python -m serving predict`."""

import argparse
import sys

from serving.commands.client_flags import add_client_flags, client_from, json_argument
from serving.commands.command import Command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_client_flags(parser)
    parser.add_argument(
        "features", help="rows as JSON: text, a file with one row a line, or - for standard input"
    )


def _run(arguments: argparse.Namespace) -> int:
    rows = json_argument(arguments.features)
    with client_from(arguments) as client:
        scores = client.predict([rows] if isinstance(rows, dict) else rows)
    for score in scores:
        sys.stdout.write(f"{score:.9g}\n")
    return 0


PREDICT = Command(
    name="predict",
    summary="score rows with a served model",
    description=(
        "Sends rows of features to a served model, or to a version folder in this process, and "
        "prints one score a line. Features are checked against the model's sidecar first."
    ),
    example="python -m serving predict localhost:8500 --model_name ranker --schema models/ranker "
    """'[{"user_id": 3, "movie_id": 7}]'""",
    add_arguments=_add_arguments,
    run=_run,
)
