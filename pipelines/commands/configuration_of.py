"""The configuration that a command is called with."""

import argparse

from pipelines.configuration.configuration import Configuration


def configuration_of(options: argparse.Namespace) -> Configuration:
    """Returns the configuration of `--config` and `--set`, or that in `--out`.

    Args:
        options: Those of `add_command`.

    Raises:
        ValueError: If there is none, or something in it is not as it must be.
    """
    from pipelines.configuration.load_configuration import load_configuration
    from pipelines.runs.run_folder import RunFolder

    if options.out.exists() and not options.out.is_dir():
        raise ValueError(
            f"`--out` must be a folder. Received: --out {options.out}, a file. Name another."
        )
    if options.config is None:
        return RunFolder(options.out).configuration(options.set)
    return load_configuration(options.config, options.set)
