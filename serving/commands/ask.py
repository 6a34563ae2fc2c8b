"""What `python -m serving` asks a model: predict, rank, bench."""

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from serving.client.schema import Schema
from serving.client.transports.transport import open_transport
from serving.commands.command import Command, add_client_flags, client_from, json_argument
from serving.sidecar import from_json
from serving.wire.tensors import NAMES, NUMPY


def _add_predict_arguments(parser: argparse.ArgumentParser) -> None:
    add_client_flags(parser)
    parser.add_argument(
        "features", help="rows as JSON: text, a file with one row a line, or - for standard input"
    )
    parser.add_argument("--task", default="", help="the task to score, of a model of several")


def _predict(arguments: argparse.Namespace) -> int:
    rows = json_argument(arguments.features)
    with client_from(arguments) as client:
        scores = client.predict([rows] if isinstance(rows, dict) else rows, task=arguments.task)
    if isinstance(scores, dict):
        for row in zip(*scores.values(), strict=True):
            line = {task: float(score) for task, score in zip(scores, row, strict=True)}
            sys.stdout.write(json.dumps(line) + "\n")
        return 0
    for score in scores:
        sys.stdout.write(f"{score:.9g}\n")
    return 0


PREDICT = Command(
    name="predict",
    summary="score rows with a served model",
    description=(
        "Sends rows of features to a served model, or to a version folder in this process, and "
        "prints one score a line; of a model of several tasks an object with one each. "
        "Features are checked against the model's sidecar first."
    ),
    example="python -m serving predict localhost:8500 --model_name ranker --schema models/ranker "
    """'[{"user_id": 3, "movie_id": 7}]'""",
    add_arguments=_add_predict_arguments,
    run=_predict,
)


def _add_rank_arguments(parser: argparse.ArgumentParser) -> None:
    add_client_flags(parser)
    parser.add_argument("context", help="the context's features as JSON: text, a file or -")
    parser.add_argument("candidates", help="ids or rows of features as JSON: text, a file or -")
    parser.add_argument("--task", default="", help="the task that ranks, of a model of several")
    parser.add_argument("--top", type=int, help="how many to print; default: all")


def _rank(arguments: argparse.Namespace) -> int:
    candidates = json_argument(arguments.candidates)
    with client_from(arguments) as client:
        scores = client.rank(json_argument(arguments.context), candidates, task=arguments.task)
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
    add_arguments=_add_rank_arguments,
    run=_rank,
)


_NUMBERS = {name: number for number, name in NAMES.items()}


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be positive. Received: {text}")
    return value


def _add_bench_arguments(parser: argparse.ArgumentParser) -> None:
    add_client_flags(parser)
    parser.add_argument("--signature", default="serving_default", help="the signature to ask")
    parser.add_argument("--batch_size", type=_positive, default=1, help="rows in a request")
    parser.add_argument("--requests", type=_positive, default=1000, help="requests in all")
    parser.add_argument("--clients", type=_positive, default=1, help="threads that ask at once")


def _bench(arguments: argparse.Namespace) -> int:
    schema = Schema(arguments.address if arguments.schema is None else arguments.schema)
    outputs = schema.outputs(arguments.signature)
    specs = schema.content["signatures"][arguments.signature]["inputs"]
    golden = schema.content["golden"]["requests"][arguments.signature]["inputs"]
    rows = {
        name: np.asarray(from_json(values), NUMPY[_NUMBERS[specs[name]["dtype"]]])
        for name, values in golden.items()
    }
    count = len(next(iter(rows.values())))
    picks = np.arange(arguments.batch_size)
    transport = open_transport(arguments.address, arguments.model_name)

    def ask(number: int) -> None:
        batch = {name: array[(picks + number) % count] for name, array in rows.items()}
        transport.run(arguments.signature, batch, outputs, arguments.timeout)

    try:
        for number in range(min(count, 10)):  # connections, and what warm-up records left cold
            ask(number)
        start = time.perf_counter()
        taken = latencies(ask, arguments.requests, clients=arguments.clients)
        seconds = time.perf_counter() - start
    finally:
        transport.close()
    report = {
        "signature": arguments.signature,
        "requests": len(taken),
        "batch_size": arguments.batch_size,
        "clients": arguments.clients,
        "requests_per_second": round(len(taken) / seconds, 1),
        **{f"p{q}_ms": round(1e3 * float(np.percentile(taken, q)), 3) for q in (50, 90, 99)},
        "max_ms": round(1e3 * taken[-1], 3),
    }
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


BENCH = Command(
    name="bench",
    summary="measure how fast a served model answers",
    description=(
        "Sends the golden rows of a model's sidecar again and again and prints, as one JSON "
        "line, requests per second and the 50th, 90th and 99th percentile of the time of a "
        "request in milliseconds. Any failure ends it."
    ),
    example="python -m serving bench localhost:8500 --model_name ranker --schema models/ranker "
    "--batch_size 16 --clients 8",
    add_arguments=_add_bench_arguments,
    run=_bench,
)


def latencies(call: Callable[[int], object], count: int, *, clients: int = 1) -> list[float]:
    """Calls a function many times, from several threads at once.

    Args:
        call: What to time; gets the number of the call.
        count: How many calls in all. Positive.
        clients: How many threads call at the same time. Positive.

    Returns:
        Seconds of each call, sorted.

    Example:
        >>> len(latencies(lambda number: None, 10, clients=2))
        10
    """
    numbers = iter(range(count))
    lock = threading.Lock()

    def work(_: int) -> list[float]:
        taken: list[float] = []
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return taken
            start = time.perf_counter()
            call(number)
            taken.append(time.perf_counter() - start)

    with ThreadPoolExecutor(clients) as threads:
        return sorted(one for part in threads.map(work, range(clients)) for one in part)
