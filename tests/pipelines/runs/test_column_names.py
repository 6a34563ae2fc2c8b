"""Columns of files are called what people call them, from prepare to the exported model."""

from pathlib import Path

import pytest

import serving
from pipelines.__main__ import main
from tests.pipelines.clicks import CONFIGURATION, log

pytestmark = pytest.mark.long
HEADER = "user_id:token,class of item,clicked:label,标签"
RENAMED = {"user_id": "user_id:token", "item_id": "class of item", "clicked": "clicked:label"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    text = CONFIGURATION.replace("tags", '"标签"', 1).replace('"tags"', '"标签"')
    for known, name in RENAMED.items():
        text = text.replace(f'"{known}"', f'"{name}"')
    (folder / "clicks.toml").write_text(text, encoding="utf-8")
    (folder / "clicks.csv").write_text("\n".join([HEADER, *log()]) + "\n", encoding="utf-8")
    config = ["--config", str(folder / "clicks.toml"), "--set", "evaluation.bootstrap=0"]
    for command in ("prepare", "train"):
        assert not main([command, *config, "--set", "training.epochs=1", "--out", f"{folder}/run"])
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate"],
        ["predict", "--input", "{folder}/clicks.csv", "--output", "{folder}/predictions.csv"],
        ["report"],
        ["train", "--config", "{folder}/clicks.toml", "--resume", "--set", "training.epochs=2"],
    ],
    ids=lambda command: command[0],
)
def test_each_command_takes_them(command: list[str], folder: Path) -> None:
    words = [word.format(folder=folder) for word in command]
    assert not main([*words, "--out", f"{folder}/run"])


def test_an_exported_model_answers_by_these_names(folder: Path) -> None:
    assert not main(["export", "--out", f"{folder}/run", "--base-path", f"{folder}/models"])
    row = {"user_id:token": "u1", "class of item": "i2", "标签": ["new"]}
    with serving.Client(folder / "models/1") as client:
        assert 0 < float(client.predict([row]).item()) < 1
