"""The commands around a run: tune, cluster, prepare-events."""

import argparse
import sys
from pathlib import Path
from typing import Any

from pipelines.commands.options import add_command, add_set, configuration_of, printable

_TUNE_ABOUT = """\
Try configurations one after the other, and keep the best by a metric of the validation split.

The section [tuning] of the configuration says which keys may take which values, by which metric of
the learning curve trials are compared, and how many there are. Trials that fall behind end early.
A search that was stopped goes on when the command is given again: the trials that had ended are
kept, the one that had not is done again. The test split decides nothing.

--out gets data, the prepared examples, and tuning: best.json, which --config takes, trials.csv,
trials.svg, and study.journal, which is a study of Optuna.
"""
_TUNE_EXAMPLES = """\
  python -m pipelines tune --config afm.toml --out runs/search
  python -m pipelines tune --config afm.toml --out runs/search --set tuning.trials=50
  python -m pipelines train --config runs/search/tuning/best.json --out runs/best

in afm.toml:
  [tuning]
  monitor = "val_auc"
  mode = "max"
  [tuning.space]
  training.optimizer.learning_rate = {low = 1e-4, high = 1e-1, log = true}
  model.dropout = {low = 0.0, high = 0.5, step = 0.1}
  model.attention_units = {choices = [8, 16, 32]}
"""


def add_tune(commands: Any) -> None:
    """Adds the command `tune`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    summary = "a search space to the best configuration"
    add_command(commands, "tune", summary, _TUNE_ABOUT, _TUNE_EXAMPLES, _tune)


def _tune(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.training.threads import set_threads
    from pipelines.tuning.trials import trials_table
    from pipelines.tuning.tune import tune_run

    configuration = configuration_of(options)
    set_threads(configuration)
    records = tune_run(configuration, options.out)
    print(trials_table(records, configuration.tuning.direction, "text"))
    print(options.out / "tuning" / "best.json")


_CLUSTER_ABOUT = """\
Run another command in several processes on this machine, which train one model together.

Each worker takes its part of every batch, and all hold the same weights. With --ps, tables are
sharded over parameter servers, and workers take a step each without waiting for one another.
This is for trying out what several machines do: processes that share the cores of one are not
faster than one. Ports are free ones of the loopback interface. The lines of each process have its
name in front.

If a process is killed, the others are ended and all go on from the last checkpoint; with --ps a
worker that is killed is started again alone. SIGTERM and Ctrl-C let them write a checkpoint. The
exit status is that of the chief (without --ps the first worker), or of the one that failed.
"""
_CLUSTER_EXAMPLES = """\
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
        description=_CLUSTER_ABOUT,
        epilog=_CLUSTER_EXAMPLES,
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
    parser.set_defaults(run=_cluster)


def _cluster(options: argparse.Namespace) -> None:
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


_PREPARE_EVENTS_ABOUT = """\
Make training examples of a log: who did what and when, one event a row.

Writes one example an event, with what the same user liked before, as sharded TFRecord; drawn
negatives; feature_spec.json with what was fitted on the training split; and counters.json. Both
engines write the same examples. An interrupted run leaves nothing behind.

memory  in the memory of this process
beam    on Apache Beam. What follows -- are its options; without a --runner, one process for each
        core of this machine works
"""
_PREPARE_EVENTS_EXAMPLES = """\
examples:
  python -m pipelines prepare-events --config events.toml --out data/events
  python -m pipelines prepare-events --config events.toml --out data/events --engine beam
  python -m pipelines prepare-events --config events.toml --out gs://bucket/events --engine beam \\
      -- --runner=DataflowRunner --project=mine --temp_location=gs://bucket/tmp
"""


def add_prepare_events(commands: Any) -> None:
    """Adds the command `prepare-events`.

    Args:
        commands: What `ArgumentParser.add_subparsers` gave.
    """
    parser = commands.add_parser(
        "prepare-events",
        help="a log of events to examples with histories, in memory or on Apache Beam",
        description=_PREPARE_EVENTS_ABOUT,
        epilog=_PREPARE_EVENTS_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--config", type=Path, required=True, help="the settings, a TOML or JSON file"
    )
    add_set(parser)
    parser.add_argument("--out", required=True, help="the folder to make")
    parser.add_argument(
        "--engine", choices=["memory", "beam"], default="memory", help="default: %(default)s"
    )
    parser.add_argument("beam_options", nargs="*", metavar="-- BEAM OPTION", help="see above")
    parser.set_defaults(run=_prepare_events)


def _prepare_events(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.events.prepare_in_memory import prepare_in_memory
    from pipelines.events.prepare_with_beam import prepare_with_beam
    from pipelines.events.settings import load_event_settings

    settings = load_event_settings(options.config, options.set)
    if options.engine == "beam":
        made = prepare_with_beam(settings, options.out, options.beam_options)
    elif options.beam_options:
        raise ValueError(
            "Options of Beam must come with `--engine beam`. "
            f"Received: {' '.join(options.beam_options)}."
        )
    else:
        made = prepare_in_memory(settings, Path(options.out))
    for name, part in made.spec.parts.items():
        share = (part.positives or 0) / part.examples
        print(f"{name:<11}{part.examples:>9} examples, {share:.1%} positive")
    print(f"{made.rows} events of {made.users} users")
    if made.capped_users:
        print(
            f"{made.capped_users} users have more than {settings.max_events} events: "
            f"{made.capped_events} events left out"
        )
    if made.bad_rows:
        first = printable(" ".join(made.bad_places))
        print(f"{made.bad_rows} bad rows skipped. The first: {first}")
    for name, places in made.rank_errors.items():
        if places:
            print(f"{name}: too many values to count each; at most {places} places off")
