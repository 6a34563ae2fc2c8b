"""Programs of pages and cells of notebooks, each run in a process that has TensorFlow imported.

The imports take seconds; a process that is forked after them begins at once.
"""

import multiprocessing
import os
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["tfrs_afm", "serving.exporting.export", "pipelines.runs.train_run", "IPython"]
)


def run_program(program: str, folder: Path) -> None:
    """Runs a program in a folder, as the main module."""
    _run(_as_main, program, folder)


def run_cells(cells: Sequence[str], folder: Path) -> None:
    """Runs the cells of a notebook in a folder, by IPython."""
    _run(_by_ipython, cells, folder)


def _run(what: Callable[..., None], program: Sequence[str], folder: Path) -> None:
    process = _FORKS.Process(target=_alone, args=(what, program, folder))
    process.start()
    process.join()
    assert process.exitcode == 0, (folder / "stderr").read_text()[-3000:]


def _alone(what: Callable[..., None], program: Sequence[str], folder: Path) -> None:
    os.chdir(folder)
    with Path("stderr").open("w") as errors:
        os.dup2(errors.fileno(), 1)
        os.dup2(errors.fileno(), 2)
    what(program)


def _as_main(program: str) -> None:
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    exec(compile(program, "page", "exec"), vars(main))


def _by_ipython(cells: Sequence[str]) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    sys.modules["__main__"] = shell.user_module
    for cell in cells:
        shell.run_cell(cell, store_history=True).raise_error()
