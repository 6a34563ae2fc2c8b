"""python -m pipelines cluster."""

import argparse
import sys
from typing import Any

_ABOUT = """\
Run another command in several processes on this machine, which train one model together.

Each worker takes its part of every batch, and all hold the same weights. With --ps, tables are
dealt out over parameter servers, and workers take a step each without waiting for one another.
This is for trying out what several machines do: processes that share the cores of one are not
faster than one. Ports are free ones of the loopback interface. The lines of each process have its
name in front.

If a process is killed, the others are ended and all go on from the last checkpoint; with --ps a
worker that is killed is started again alone. SIGTERM and Ctrl-C let them write a checkpoint. The
exit status is that of the chief (without --ps the first worker), or of the one that failed.
"""
_EXAMPLES = """\
examples:
  python -m pipelines cluster --workers 2 -- train --config clicks.toml --out runs/clicks
  python -m pipelines cluster --workers 2 --ps 1 -- train --config clicks.toml --out runs/a
  python -m pipelines cluster --workers 2 --restarts 0 -- train --config clicks.toml --out runs/b
"""


def add_cluster(commands: Any) -> None:
    """Adds the command `cluster`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    parser = commands.add_parser(
        "cluster",
        help="train in several processes on this machine",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--workers", type=int, default=2, help="number of workers (default: %(default)s)"
    )
    parser.add_argument(
        "--ps",
        type=int,
        default=0,
        help="number of parameter servers; the chief is a process of its own then "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--restarts",
        type=int,
        default=3,
        help="how often to go on after a process was killed (default: %(default)s)",
    )
    parser.add_argument(
        "words", nargs="+", metavar="-- train ...", help="the command train with its options"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    from pipelines.cluster.run_local_cluster import run_local_cluster

    if options.words[0] != "train":
        raise ValueError(
            f"`cluster` must run the command train. Received: {options.words[0]}. All others need "
            "one process."
        )
    strategy = "parameter_server" if options.ps else "multi_worker_mirrored"
    status = run_local_cluster(
        [
            sys.executable,
            "-m",
            "pipelines",
            *options.words,
            "--set",
            f"training.strategy={strategy}",
        ],
        options.workers,
        ps=options.ps,
        restarts=options.restarts,
        on_restart=[] if "--resume" in options.words else ["--resume"],
        on_line=lambda line: print(line, flush=True),
    )
    if status:
        raise SystemExit(status)
