"""`python -m serving bench`."""

import argparse
import json
import sys
import time

import numpy as np

from serving.client.schema import Schema
from serving.client.transports.open_transport import open_transport
from serving.commands.client_flags import add_client_flags
from serving.commands.command import Command
from serving.commands.latencies import latencies
from serving.sidecar import from_json
from serving.wire.dtypes import NAMES, NUMPY

_NUMBERS = {name: number for number, name in NAMES.items()}


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be positive. Received: {text}")
    return value


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_client_flags(parser)
    parser.add_argument("--signature", default="serving_default", help="the signature to ask")
    parser.add_argument("--batch_size", type=_positive, default=1, help="rows in a request")
    parser.add_argument("--requests", type=_positive, default=1000, help="requests in all")
    parser.add_argument("--clients", type=_positive, default=1, help="threads that ask at once")


def _run(arguments: argparse.Namespace) -> int:
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
    add_arguments=_add_arguments,
    run=_run,
)
