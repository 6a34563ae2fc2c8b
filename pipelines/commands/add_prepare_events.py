"""python -m pipelines prepare-events."""

import argparse
from pathlib import Path
from typing import Any

_ABOUT = """\
Make training examples of a log: who did what and when, one event a row.

Writes one example an event, with what the same user liked before, as sharded TFRecord; drawn
negatives; feature_spec.json with what was fitted on the training part; and counters.json. Both
engines write the same examples. An interrupted run leaves nothing behind.

memory  in the memory of this process
beam    on Apache Beam. What follows -- are its options; without a --runner, one process for each
        core of this machine works
"""
_EXAMPLES = """\
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
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, help="the settings, a TOML file")
    parser.add_argument("--out", required=True, help="the folder to make")
    parser.add_argument(
        "--engine", choices=["memory", "beam"], default="memory", help="default: %(default)s"
    )
    parser.add_argument("beam_options", nargs="*", metavar="-- BEAM OPTION", help="see above")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    # Here, so that --help need not wait for TensorFlow.
    from pipelines.beam.load_event_settings import load_event_settings
    from pipelines.beam.prepare_in_memory import prepare_in_memory
    from pipelines.beam.prepare_with_beam import prepare_with_beam

    settings = load_event_settings(options.config)
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
        print(f"{made.bad_rows} bad rows skipped. The first: {' '.join(made.bad_places)}")
    for name, places in made.rank_errors.items():
        if places:
            print(f"{name}: too many values to count each; at most {places} places off")
