"""`python -m tfrs_afm.kernels build` compiles the kernels, `status` says which form computes."""

import argparse
import sys
import time
from pathlib import Path

from tfrs_afm.kernels.build import BuildError, build, cache_folder
from tfrs_afm.kernels.library import status


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="python -m tfrs_afm.kernels", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="compile them for the TensorFlow installed here")
    building.add_argument(
        "--folder", type=Path, help="where to; by default the user's cache, where they are found"
    )
    commands.add_parser("status", help="say which form trains here, and why")
    given = parser.parse_args()
    if given.command == "build":
        start = time.monotonic()
        try:
            path = build(given.folder or cache_folder())
        except BuildError as error:
            sys.exit(str(error))
        print(f"Built {path} in {time.monotonic() - start:.0f} s.")
    now = status()
    print(f"{now.form}: {now.reason}")


if __name__ == "__main__":
    main()
