import pathlib
import shutil
import subprocess

import pytest

from tfrs_afm.kernels.build import KERNELS, SOURCE, compile_forms

FLAGS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not shutil.which("g++"), reason="there is no g++"),
]


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[pathlib.Path]:
    return compile_forms(tmp_path_factory.mktemp("sanitized"), ["g++"], FLAGS)


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_form_reads_or_writes_out_of_bounds(
    kernel: str, objects: list[pathlib.Path], tmp_path: pathlib.Path
) -> None:
    """Address and undefined-behaviour sanitizers over hundreds of random sizes and some large."""
    program = tmp_path / "sanitized"
    driver = pathlib.Path(__file__).with_name(f"sanitized_{kernel}.cc")
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-psabi", "-Wno-maybe-uninitialized"]
    command = ["g++", "-std=c++17", *FLAGS, *warnings, f"-I{SOURCE}", str(driver)]
    subprocess.run([*command, *map(str, objects), "-o", str(program)], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-3000:]
    assert "portable" in done.stdout
