"""Compiles the kernels against the TensorFlow that is installed.

Nothing of `tfrs_afm` is imported here: `setup.py` runs this file by itself, before there is a
package to import, as `python build.py FOLDER`.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("source")
# Files that are compiled once for each instruction set.
KERNELS = ("lookups", "pair_attention", "row_updates")
# Every function is compiled for speed, and as if no one watched floating point exceptions; sums
# keep their order. GCC's joining of scalar code into vectors only harms code of vectors.
COMMON = (
    *("-std=c++17", "-fPIC", "-fvisibility=hidden", "-O3", "-ffp-contract=fast"),
    *("-fno-math-errno", "-fno-trapping-math", "-fno-tree-slp-vectorize", "-Wno-psabi"),
)
AVX2 = ("-mavx2", "-mfma")
AVX512 = (*AVX2, "-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl")
TIMEOUT = 300.0  # seconds for one file; the longest takes ten
_DIGEST = hashlib.sha256().digest_size
_MARK = b"tfrs_afm kernels sha256 "


class BuildError(RuntimeError):
    """The kernels could not be compiled; the message says what to do."""


class Target(NamedTuple):
    """What a library is built for: it is of no use with anything else.

    Attributes:
        tensorflow: TensorFlow's version.
        compile_flags: Its compiler flags, with its headers and its ABI.
        link_flags: Its linker flags.
    """

    tensorflow: str
    compile_flags: tuple[str, ...]
    link_flags: tuple[str, ...]

    @classmethod
    def installed(cls) -> "Target":
        """The TensorFlow that this interpreter imports."""
        import tensorflow as tf

        return cls(
            tf.__version__,
            tuple(tf.sysconfig.get_compile_flags()),
            tuple(tf.sysconfig.get_link_flags()),
        )

    @property
    def file_name(self) -> str:
        """Name of the library: TensorFlow's version, and a hash of all else that it depends on."""
        abi = [flag for flag in self.compile_flags if not flag.startswith("-I")]
        parts = [self.tensorflow, *abi, *COMMON, *AVX512, sys.platform, platform.machine()]
        digest = hashlib.sha256("\n".join(parts).encode())
        for path in sorted(SOURCE.iterdir()):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return f"kernels-tf{self.tensorflow}-{digest.hexdigest()[:16]}.so"


def cache_folder() -> Path:
    """Where `python -m tfrs_afm.kernels build` leaves libraries."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "tfrs_afm" / "kernels"


def tensorflow_of(path: Path) -> str:
    """The version of TensorFlow that a library's name tells."""
    found = re.fullmatch(r"kernels-tf(.+)-[0-9a-f]{16}\.so", path.name)
    return found[1] if found else "an unknown version"


def is_whole(path: Path) -> bool:
    """Whether a library is what was written: loading a damaged one could end the process."""
    content = path.read_bytes()
    body, mark = content[:-_DIGEST], content[-_DIGEST:]
    return body.endswith(_MARK) and hashlib.sha256(body).digest() == mark


def _is_there(path: Path) -> bool:
    return path.is_file() and is_whole(path)


def build(folder: Path, target: Target | None = None) -> Path:
    """Compiles and links the kernels.

    The library appears in one step, whole; an interrupted build leaves nothing under its name.

    Args:
        folder: Where the library goes; made where it is not there.
        target: What to build for. Default: the TensorFlow that is installed.

    Returns:
        Path of the library.

    Raises:
        BuildError: Without a compiler, or where it fails.
    """
    target = target or Target.installed()
    compiler = os.environ.get("CXX") or "g++"
    if not shutil.which(compiler.split()[0]):
        raise BuildError(f"There is no compiler `{compiler}`. Install g++, or name one in CXX.")
    with tempfile.TemporaryDirectory() as scratch:
        linked = Path(scratch) / "linked.so"
        # TensorFlow's headers take most of the time: the operations read them together, once.
        together = Path(scratch) / "operations.cc"
        sources = sorted(SOURCE.glob("*_operation.cc"))
        together.write_text("".join(f'#include "{source.name}"\n' for source in sources))
        # Its warnings are about TensorFlow's headers, or about what these deprecate.
        headers = [flag.replace("-I", "-isystem", 1) for flag in target.compile_flags]
        flags = ["-fPIC", "-fvisibility=hidden", "-O1", "-w", f"-I{SOURCE}", *headers]
        operations = together.with_suffix(".o")
        commands = {
            operations: [*compiler.split(), *flags, "-c", str(together), "-o", str(operations)],
            **_of_forms(Path(scratch), compiler.split()),
        }
        _run_all(commands.values())
        parts = [str(path) for path in commands]
        _run([*compiler.split(), "-shared", *parts, *target.link_flags, "-s", "-o", str(linked)])
        body = linked.read_bytes() + _MARK
    return _publish(body + hashlib.sha256(body).digest(), folder / target.file_name)


def compile_forms(folder: Path, compiler: list[str], extra: tuple[str, ...] = ()) -> list[Path]:
    """Compiles what needs no TensorFlow: the kernels, once for each instruction set.

    Args:
        folder: Where the object files go.
        compiler: The compiler's command.
        extra: More flags, such as those of a sanitizer.

    Returns:
        The object files.
    """
    commands = _of_forms(folder, compiler, extra)
    _run_all(commands.values())
    return list(commands)


def _of_forms(
    folder: Path, compiler: list[str], extra: tuple[str, ...] = ()
) -> dict[Path, list[str]]:
    """The commands of `compile_forms`, by the object file that each makes."""
    flags: dict[str, tuple[str, ...]] = {"portable": ()}
    choice: tuple[str, ...] = ()
    if platform.machine().lower() in ("x86_64", "amd64"):
        flags |= {"avx2": AVX2, "avx512": AVX512}
        choice = ("-DTFRS_AFM_X86",)
    sources = {
        f"{kernel}_{form}": (f"{kernel}.cc", *own, f"-DTFRS_AFM_FORM={form}")
        for kernel in KERNELS
        for form, own in flags.items()
    }
    sources["forms"] = ("forms.cc", *choice)
    objects = {name: folder / f"{name}.o" for name in sources}
    return {
        objects[name]: [
            *(*compiler, *COMMON, *own, *extra),
            *("-c", str(SOURCE / file), "-o", str(objects[name])),
        ]
        for name, (file, *own) in sources.items()
    }


def _run_all(commands: Iterable[list[str]]) -> None:
    """Runs them side by side, as many as there are processors."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_run, commands))


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"The compiler did not finish: {error}") from error
    if done.returncode:
        raise BuildError(f"The compiler failed: {' '.join(command)}\n{done.stderr[-2000:]}")


def _publish(content: bytes, path: Path) -> Path:
    """Writes a file under a name of its own and gives it its name when it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".building-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o755)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def main(folder: Path) -> None:
    """Builds, unless the library is there, or in the cache, from where it is copied."""
    target = Target.installed()
    path = folder / target.file_name
    built = next((one for one in (path, cache_folder() / path.name) if _is_there(one)), None)
    if built == path:
        return
    try:
        if built is None:
            build(folder, target)
        else:
            _publish(built.read_bytes(), path)
    except BuildError as failure:
        sys.exit(str(failure))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
