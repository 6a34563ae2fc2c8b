"""Optuna, or how to get it."""

from typing import Any


def import_optuna() -> Any:
    """Returns the package, with its notes of each trial switched off: we write our own.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise ImportError(
            "optuna must be installed to tune. Run: pip install 'tfrs-afm[tune]'."
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna
