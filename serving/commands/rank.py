"""`python -m serving rank`."""

import argparse
import json
import sys

import numpy as np

from serving.commands.client_flags import add_client_flags, client_from, json_argument
from serving.commands.command import Command


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_client_flags(parser)
    parser.add_argument("context", help="the context's features as JSON: text, a file or -")
    parser.add_argument("candidates", help="ids or rows of features as JSON: text, a file or -")
    parser.add_argument("--top", type=int, help="how many to print; default: all")


def _run(arguments: argparse.Namespace) -> int:
    candidates = json_argument(arguments.candidates)
    with client_from(arguments) as client:
        scores = client.rank(json_argument(arguments.context), candidates)
    for place in np.argsort(-scores, kind="stable")[: arguments.top]:
        line = {"candidate": candidates[place], "score": float(scores[place])}
        sys.stdout.write(json.dumps(line) + "\n")
    return 0


RANK = Command(
    name="rank",
    summary="order candidates for one context with a served model",
    description=(
        "Sends one context and many candidates to the `rank` signature, and prints the "
        "candidates with their scores, the best first, one JSON object a line."
    ),
    example="python -m serving rank localhost:8500 --model_name ranker --schema models/ranker "
    """'{"user_id": 3, "history": [1, 5]}' '[7, 9, 11]' --top 2""",
    add_arguments=_add_arguments,
    run=_run,
)
