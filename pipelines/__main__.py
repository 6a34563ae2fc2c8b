"""The command line: python -m pipelines."""

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Any

from pipelines.commands.add_cluster import add_cluster
from pipelines.commands.add_evaluate import add_evaluate
from pipelines.commands.add_export import add_export
from pipelines.commands.add_predict import add_predict
from pipelines.commands.add_prepare import add_prepare
from pipelines.commands.add_prepare_events import add_prepare_events
from pipelines.commands.add_report import add_report
from pipelines.commands.add_train import add_train
from pipelines.commands.add_tune import add_tune
from pipelines.load_tensorflow import load_tensorflow
from pipelines.readers.read_error import read_error

_ABOUT = "Files to a trained model to honest numbers."
_EXAMPLES = """\
examples:
  python -m pipelines prepare --config clicks.toml --out runs/clicks
  python -m pipelines train --config clicks.toml --out runs/clicks
  python -m pipelines evaluate --out runs/clicks
  python -m pipelines predict --out runs/clicks --input new.csv --output predictions.csv
  python -m pipelines export --out runs/clicks --base-path models/clicks
  python -m pipelines report --out runs/clicks
  python -m pipelines tune --config clicks.toml --out runs/search
  python -m pipelines cluster --workers 2 -- train --config clicks.toml --out runs/clicks
  python -m pipelines COMMAND --help
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: Words of the command line; by default those of this process.

    Returns:
        The exit status: 0, or 1 after an error that the message on stderr explains.
    """
    parser = argparse.ArgumentParser(
        "python -m pipelines",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_prepare(commands)
    add_prepare_events(commands)
    add_train(commands)
    add_evaluate(commands)
    add_predict(commands)
    add_export(commands)
    add_tune(commands)
    add_report(commands)
    add_cluster(commands)
    options = parser.parse_args(arguments)
    # As on Ctrl-C, clean up on the way out.
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        load_tensorflow()
        options.run(options)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except _tensorflow_errors() as error:
        notes = getattr(error, "__notes__", [])
        print("error:", read_error(error), *notes, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _tensorflow_errors() -> tuple[type[Exception], ...]:
    """What TensorFlow raises where data does not fit a model, once it is loaded."""
    tensorflow = sys.modules.get("tensorflow")
    return () if tensorflow is None else (tensorflow.errors.OpError,)


def _stop(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
