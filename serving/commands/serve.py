"""`python -m serving serve`."""

import argparse
import json
import logging
import os
import signal
import sys
import threading

from serving.commands.command import Command
from serving.server.flags import add_flags, options_from


def _run(arguments: argparse.Namespace) -> int:
    options = options_from(arguments)
    from serving.server.local_server import LocalServer  # brings TensorFlow's stubs, seconds
    from serving.status_error import StatusError

    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    server = LocalServer(options)
    try:
        server.start()
    except StatusError as error:
        sys.stderr.write(f"Failed to start server. Error: {error}\n")
        return 1
    ready = {"grpc": server.grpc_address, "rest": server.rest_url, "pid": os.getpid()}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    stop.wait()
    server.stop()
    return 0


SERVE = Command(
    name="serve",
    summary="serve models over gRPC and REST, for development and tests",
    description=(
        "Serves the versions under a base path as TensorFlow Serving's model server would: the "
        "same gRPC and REST, the same answers and errors, the same watch for new versions. It is "
        "for development and tests, not for production: one Python process, no batching, no "
        "TLS, loopback unless told otherwise. Prints one JSON line with its addresses when it "
        "is ready. SIGTERM or Ctrl-C lets running requests finish."
    ),
    example="python -m serving serve --model_name ranker --model_base_path models/ranker "
    "--port 8500 --rest_api_port 8501",
    add_arguments=add_flags,
    run=_run,
)
