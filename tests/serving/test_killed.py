"""Whoever builds or removes versions may be killed at any moment."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import serving
from serving import publish, versions
from tests.serving.exported import Exported
from tests.serving.polling import eventually

ROOT = Path(__file__).parents[2]
SIZES = (1, 4096, 100_000)

# Every look at the file system is an audit event; the process kills itself at the n-th.
_PUBLISHER = """
import os, shutil, signal, sys
from pathlib import Path
import serving.publishing.publish as _  # imports look at files too
from serving.publishing.publish import publish
source, base, moment = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
seen = 0
def hook(event, arguments):
    global seen
    if event.startswith(("os.", "open", "shutil.", "fcntl.", "ctypes.")):
        seen += 1
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
publish(lambda folder: shutil.copytree(source, folder, dirs_exist_ok=True), base, keep_last=2)
print(seen)
"""


def _source(folder: Path) -> Path:
    (folder / "variables").mkdir(parents=True)
    names = ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-1")
    for name, size in zip(names, SIZES, strict=True):
        (folder / name).write_bytes(b"x" * size)
    return folder


def _is_whole(version: Path) -> bool:
    sizes = [file.stat().st_size for file in version.rglob("*") if file.is_file()]
    return sorted(sizes) == sorted(SIZES)


def _publish(source: Path, base: Path, moment: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PUBLISHER, str(source), str(base), str(moment)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.long
def test_a_publisher_killed_at_any_step_leaves_whole_versions_only(tmp_path: Path) -> None:
    source, base = _source(tmp_path / "source"), tmp_path / "base"
    for _ in range(2):
        publish(lambda folder: shutil.copytree(source, folder, dirs_exist_ok=True), base)
    whole = _publish(source, base, 0)  # with a version to remove, so every step is taken
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stdout)
    assert steps > 20
    highest = max(versions(base))
    killed = 0
    for moment in range(1, steps + 1, max(1, steps // 40)):
        done = _publish(source, base, moment)
        killed += done.returncode == -signal.SIGKILL
        found = versions(base)
        assert all(_is_whole(version) for version in found.values()), f"step {moment} of {steps}"
        assert max(found) >= highest
        highest = max(found)
    assert killed > 20
    last = publish(lambda folder: shutil.copytree(source, folder, dirs_exist_ok=True), base)
    assert _is_whole(last)
    assert [path.name for path in base.iterdir() if path.name.startswith(".")] == []


_EXPORTER = """
import sys
import tensorflow as tf
import tfrs_afm
import serving
fc = tf.feature_column
columns = [
    fc.embedding_column(fc.categorical_column_with_identity(key, 9), 2) for key in ("user", "film")
]
serving.export(tfrs_afm.models.AFM(columns, attention_units=2), sys.argv[1])
"""


@pytest.mark.long
@pytest.mark.parametrize(
    "moment", ["variables/variables.index", "assets.extra/tf_serving_warmup_requests"]
)
def test_an_exporter_killed_while_it_saves_or_verifies_publishes_nothing(
    moment: str, tmp_path: Path, deepfm: Exported
) -> None:
    base = tmp_path / "base"
    shutil.copytree(deepfm.path, base / "1")
    with subprocess.Popen(
        [sys.executable, "-c", _EXPORTER, str(base)],
        cwd=ROOT,
        start_new_session=True,
        stderr=subprocess.PIPE,
    ) as exporter:
        try:
            eventually(
                lambda: bool(list(base.glob(f".tmp-*/{moment}"))) or exporter.poll() is not None,
                seconds=120,
            )
        finally:
            if exporter.poll() is None:
                os.killpg(exporter.pid, signal.SIGKILL)
            assert exporter.stderr is not None
            log = exporter.stderr.read().decode()
    assert exporter.returncode == -signal.SIGKILL, log
    assert list(versions(base)) == [1]
    assert len(list(base.glob(".tmp-*"))) == 1
    assert serving.rollback(base, 1).name == "2"
    assert list(base.glob(".tmp-*")) == []
