"""What is built, found, refused and said."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest
import tensorflow as tf

from tfrs_afm import kernels
from tfrs_afm.kernels import build as building
from tfrs_afm.kernels import library
from tfrs_afm.kernels.build import BuildError, Target, build, is_whole

ROOT = pathlib.Path(__file__).parents[2]
needs_compiler = pytest.mark.skipif(not shutil.which("g++"), reason="there is no g++")


@pytest.fixture
def empty(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """An installed package without kernels, and an empty cache: the folder that it looks in."""
    monkeypatch.delenv("TFRS_AFM_KERNELS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(library, "__file__", str(tmp_path / "package" / "library.py"))
    folder = tmp_path / "cache" / "tfrs_afm" / "kernels"
    folder.mkdir(parents=True)
    return folder


def found() -> kernels.Status:
    """Status, as a new process would find it."""
    return library.load.__wrapped__()[0]


def test_status_says_which_form_runs() -> None:
    status = kernels.status()
    assert status.form in ("avx512", "avx2", "portable", "stock")
    assert status.reason.endswith(".")
    if status.form != "stock":
        assert status.form in status.forms
        assert str(status.library) in status.reason


@needs_compiler
@pytest.mark.skipif(os.environ.get("TFRS_AFM_KERNELS") == "0", reason="switched off")
def test_where_there_is_a_compiler_there_are_kernels() -> None:
    """Otherwise the other tests would be skipped, and no one would know."""
    assert kernels.status().form != "stock", kernels.status().reason


def test_the_switch_turns_the_kernels_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFRS_AFM_KERNELS", "0")
    assert found() == ("stock", "TFRS_AFM_KERNELS=0 switches the kernels off.", None, ())


def test_a_form_that_the_processor_lacks_gives_the_stock_form(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if kernels.status().form == "stock":
        pytest.skip(kernels.status().reason)
    monkeypatch.setenv("TFRS_AFM_KERNELS", "sve2")
    assert found().form == "stock"
    assert found().reason.startswith("TFRS_AFM_KERNELS=sve2 must be 0, 1 or a form of this")


def test_without_a_library_status_says_how_to_build_one(empty: pathlib.Path) -> None:
    assert found().form == "stock"
    assert found().reason == (
        f"No kernels were built for TensorFlow {tf.__version__}. "
        "Build them with `python -m tfrs_afm.kernels build`."
    )


def test_a_library_of_another_tensorflow_is_not_loaded(empty: pathlib.Path) -> None:
    (empty / "kernels-tf2.20.1-0123456789abcdef.so").write_bytes(b"another ABI")
    assert found().form == "stock"
    assert f"was built for TensorFlow 2.20.1, this is {tf.__version__}." in found().reason


def test_a_library_of_other_sources_is_not_loaded(empty: pathlib.Path) -> None:
    (empty / f"kernels-tf{tf.__version__}-0123456789abcdef.so").write_bytes(b"older")
    assert "was built from other sources" in found().reason


@pytest.mark.parametrize("damage", ["cut", "empty", "changed"])
def test_a_damaged_library_is_not_loaded(empty: pathlib.Path, damage: str) -> None:
    if kernels.status().library is None:
        pytest.skip(kernels.status().reason)
    content = kernels.status().library.read_bytes()
    middle = len(content) // 2
    damaged = {
        "cut": content[:middle],
        "empty": b"",
        "changed": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
    }
    (empty / Target.installed().file_name).write_bytes(damaged[damage])
    assert found().form == "stock"
    assert "is damaged. Build them with" in found().reason


def test_what_cannot_be_loaded_is_a_reason_and_no_exception(empty: pathlib.Path) -> None:
    """Whole as a file, but no library."""
    body = b"no library" + building._MARK
    path = empty / Target.installed().file_name
    path.write_bytes(body + building.hashlib.sha256(body).digest())
    assert is_whole(path)
    assert found().form == "stock"
    assert found().reason.startswith("The kernels could not be loaded: ")


def test_without_a_compiler_the_build_says_so(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match=r"There is no compiler `g\+\+`. Install g\+\+"):
        build(tmp_path / "built")
    assert not (tmp_path / "built").exists()


def compiler(path: pathlib.Path, script: str) -> str:
    """A compiler of our own making."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_failing_compiler_is_quoted(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", compiler(tmp_path / "cxx", "echo no such flag >&2; exit 1"))
    with pytest.raises(BuildError, match=r"(?s)The compiler failed: .*no such flag"):
        build(tmp_path / "built")
    assert not (tmp_path / "built").exists()


def test_a_compiler_that_hangs_is_given_up(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", compiler(tmp_path / "cxx", "exec tail -f /dev/null"))
    monkeypatch.setattr(building, "TIMEOUT", 0.2)
    with pytest.raises(BuildError, match="did not finish"):
        build(tmp_path / "built")


# Puts down something for a library in no time.
FAKE = 'while [ $# -gt 1 ]; do [ "$1" = -o ] && echo linked > "$2"; shift; done'


def test_a_library_appears_whole_or_not_at_all(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped while it writes: nothing is left, and an older file stays as it was."""
    monkeypatch.setenv("CXX", compiler(tmp_path / "cxx", FAKE))
    path = build(tmp_path / "built")
    assert path.name == Target.installed().file_name
    assert is_whole(path)
    before = path.read_bytes()

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(building.os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "built")
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == before


def test_a_library_that_is_there_is_not_built_again(
    empty: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", compiler(tmp_path / "cxx", FAKE))
    building.main(tmp_path)
    path = tmp_path / Target.installed().file_name
    before = path.stat().st_mtime_ns
    monkeypatch.setenv("CXX", compiler(tmp_path / "cxx", "exit 1"))
    building.main(tmp_path)
    assert path.stat().st_mtime_ns == before
    shutil.move(path, empty)
    building.main(tmp_path)  # from the cache
    assert path.read_bytes() == (empty / path.name).read_bytes()
    for damaged in (path, empty / path.name):
        damaged.write_bytes(b"damaged")
    with pytest.raises(SystemExit, match="The compiler failed"):
        building.main(tmp_path)


def test_the_name_tells_what_a_library_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target("2.21.0", ("-I/here", "-D_GLIBCXX_USE_CXX11_ABI=1"), ())
    assert (
        target.file_name
        == target._replace(compile_flags=("-I/there", *target.compile_flags[1:])).file_name
    )
    others = [
        target._replace(tensorflow="2.21.1").file_name,
        target._replace(compile_flags=("-D_GLIBCXX_USE_CXX11_ABI=0",)).file_name,
    ]
    monkeypatch.setattr(building.platform, "machine", lambda: "aarch64")
    others.append(target.file_name)
    assert len({*others, "x"}) == 4


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, str]:
    """A cache into which the command has built, and what it said."""
    cache = tmp_path_factory.mktemp("built")
    env = {**os.environ, "XDG_CACHE_HOME": str(cache), "TFRS_AFM_KERNELS": "portable"}
    command = [sys.executable, "-m", "tfrs_afm.kernels", "build"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return cache, done.stdout


@pytest.mark.long
@needs_compiler
def test_the_command_builds_into_the_cache_and_the_library_computes(
    built: tuple[pathlib.Path, str],
) -> None:
    cache, said = built
    (path,) = (cache / "tfrs_afm" / "kernels").iterdir()
    assert said.startswith(f"Built {path} in ")
    assert "\nportable: Loaded " in said


@pytest.mark.long
@needs_compiler
def test_a_wheel_carries_the_kernels_and_says_its_platform(
    built: tuple[pathlib.Path, str], tmp_path: pathlib.Path
) -> None:
    """Installed into an environment of its own it finds them; without them it is a plain one."""
    source = tmp_path / "source"
    ignore = shutil.ignore_patterns(".*", "*.so", "*.egg-info", "build", "dist", "demo")
    shutil.copytree(ROOT, source, ignore=ignore)
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    wheels = {}
    for switch in ("require", "0"):
        shutil.rmtree(source / "build", ignore_errors=True)
        env = {**os.environ, "TFRS_AFM_KERNELS": switch, "XDG_CACHE_HOME": str(built[0])}
        command = [*wheel, "--wheel-dir", str(tmp_path / switch), "."]
        subprocess.run(command, cwd=source, env=env, check=True, capture_output=True)
        (wheels[switch],) = (tmp_path / switch).iterdir()
    assert wheels["0"].name.endswith("-py3-none-any.whl")
    assert "-py3-none-" in wheels["require"].name
    assert not wheels["require"].name.endswith("-any.whl")
    with zipfile.ZipFile(wheels["require"]) as archive:
        names = archive.namelist()
    assert f"tfrs_afm/kernels/{Target.installed().file_name}" in names
    assert "tfrs_afm/kernels/source/row_updates_operation.cc" in names

    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "clean")], check=True)
    python = tmp_path / "clean" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, wheels["require"]], check=True)
    # TensorFlow and the rest from where they are: downloading them again takes minutes.
    site = pathlib.Path(tf.__file__).parents[1]
    code = "import tfrs_afm; print(tfrs_afm.__file__, tfrs_afm.kernels.status())"
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(site),
        "XDG_CACHE_HOME": str(tmp_path),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "clean") in done.stdout
    assert "form='stock'" not in done.stdout
