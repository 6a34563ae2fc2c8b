"""Programs of pages and cells of notebooks, each run in a process of its own; see tests/forked.py.

Run by itself it is that process: `python -m tests.programs KIND`, the programs on standard input.
"""

import json
import subprocess
import sys
import types
from collections.abc import Sequence
from pathlib import Path


def run_program(program: str, folder: Path) -> None:
    """Runs a program in a folder, as the main module."""
    _run("program", [program], folder)


def run_cells(cells: Sequence[str], folder: Path) -> None:
    """Runs the cells of a notebook in a folder, by IPython."""
    _run("cells", cells, folder)


def _run(kind: str, programs: Sequence[str], folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.programs", kind],
        input=json.dumps(list(programs)),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def main(kind: str) -> None:
    """Becomes the program."""
    programs = json.load(sys.stdin)
    if kind == "program":
        module = sys.modules["__main__"] = types.ModuleType("__main__")
        for program in programs:
            exec(compile(program, "page", "exec"), vars(module))
        return
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    sys.modules["__main__"] = shell.user_module
    for cell in programs:
        shell.run_cell(cell, store_history=True).raise_error()


if __name__ == "__main__":
    main(*sys.argv[1:])
