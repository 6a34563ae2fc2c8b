import pathlib
import shutil
import subprocess

import pytest

from tfrs_afm.kernels.build import SOURCE, compile_forms

DRIVER = pathlib.Path(__file__).with_name("sanitized.cc")
FLAGS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("g++"), reason="there is no g++")
def test_no_form_reads_or_writes_out_of_bounds(tmp_path: pathlib.Path) -> None:
    """Address and undefined-behaviour sanitizers over 450 random sizes and some large ones."""
    objects = compile_forms(tmp_path, ["g++"], FLAGS)
    program = tmp_path / "sanitized"
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-Wno-maybe-uninitialized"]
    command = ["g++", "-std=c++17", *FLAGS, *warnings, f"-I{SOURCE}", str(DRIVER)]
    subprocess.run([*command, *map(str, objects), "-o", str(program)], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-3000:]
    assert "portable" in done.stdout
