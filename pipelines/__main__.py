"""The command line: python -m pipelines."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from pipelines.commands.options import printable
from pipelines.commands.run import (
    add_evaluate,
    add_export,
    add_predict,
    add_prepare,
    add_report,
    add_train,
)
from pipelines.commands.search import add_cluster, add_prepare_events, add_tune
from pipelines.readers.bad_rows import read_error

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
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # TensorFlow then loads no Keras 3
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
        print("error:", printable(str(error)), file=sys.stderr)
        return 1
    except _tensorflow_errors() as error:
        notes = getattr(error, "__notes__", [])
        print("error:", *map(printable, (read_error(error), *notes)), file=sys.stderr)
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


def load_tensorflow() -> None:
    """Imports TensorFlow and keeps back what its libraries write to stderr while they load.

    They tell of instruction sets and missing GPU drivers before any setting can stop them. A
    command that is quiet when all is well needs this; a library must not do it, so nothing but
    programs call it. If the import fails, everything is shown. From then on what goes wrong comes
    as a Python exception only: TensorFlow's native code is silent, unless `TF_CPP_MIN_LOG_LEVEL`
    is set already, and its Python code no longer warns of `tf.feature_column` at each column.

    Raises:
        ImportError: If TensorFlow cannot be imported.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            import tensorflow as tf

            tf.get_logger().setLevel("ERROR")
        except BaseException:
            kept.seek(0)
            os.write(stderr, kept.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


if __name__ == "__main__":
    sys.exit(main())
