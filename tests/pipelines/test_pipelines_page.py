"""What docs/pipelines.md shows, done."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import serving

PAGE = (Path(__file__).parents[2] / "docs" / "pipelines.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def run(line: str, folder: Path) -> str:
    words = shlex.split(line)
    assert words[:2] == ["python", "-m"]
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_configuration_of_a_csv_has_at_most_25_lines_and_there_are_four_commands() -> None:
    lines = [line for line in blocks("toml")[0].splitlines() if line.strip()]
    assert len(lines) <= 25
    assert len(blocks("sh")[0].splitlines()) == 4


@pytest.mark.long
def test_a_csv_becomes_a_served_model(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", blocks("python")[0]], cwd=tmp_path, check=True)
    (tmp_path / "clicks.toml").write_text(blocks("toml")[0])
    prepare, train, evaluate, export = blocks("sh")[0].splitlines()
    assert re.search(r"train +\d+ examples, 3\d\.\d% positive", run(prepare, tmp_path))
    run(train, tmp_path)
    auc = float(run(evaluate, tmp_path).splitlines()[1].split()[1])
    assert auc > 0.9
    run(export, tmp_path)
    rows = [("u1", "i2", ["sale"]), ("u1", "i3", ["new"]), ("u9", "i0", []), ("?", "?", [])]
    lines = [f"{user},{item},{'|'.join(tags)}" for user, item, tags in rows]
    (tmp_path / "new.csv").write_text("\n".join(["user_id,item_id,tags", *lines]) + "\n")
    run(blocks("sh")[2].strip(), tmp_path)
    table = (tmp_path / "predictions.csv").read_text().splitlines()[1:]
    expected = [float(line.split(",")[-1]) for line in table]
    options = serving.ServerOptions(model_name="clicks", model_base_path=tmp_path / "models/clicks")
    with (
        serving.LocalServer(options) as server,
        serving.Client(server.rest_url, "clicks", tmp_path / "models/clicks/1") as client,
    ):
        asked = [{"user_id": u, "item_id": i, "tags": tags} for u, i, tags in rows]
        np.testing.assert_allclose(client.predict(asked), expected, atol=1e-5)


@pytest.mark.long
def test_the_four_tasks_of_the_libsvm_script_are_four_commands(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for name, count in (("train", 300), ("validation", 60), ("test", 20)):
        lines = []
        for _ in range(count):
            ids = draw.choice(40, size=5, replace=False)
            label = int((ids % 2).sum() > 2)
            lines.append(" ".join([str(label), *(f"{one}:{draw.random():.3f}" for one in ids)]))
        (tmp_path / f"{name}.libsvm").write_text("\n".join(lines) + "\n")
    (tmp_path / "afm.toml").write_text(blocks("toml")[1])
    train, evaluate, export, predict = blocks("sh")[3].splitlines()
    run(f"{train} --set training.epochs=1", tmp_path)
    assert "AFM" in run(evaluate, tmp_path)
    run(export, tmp_path)
    assert (tmp_path / "models/afm/1/saved_model.pb").is_file()
    run(predict, tmp_path)
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 21
