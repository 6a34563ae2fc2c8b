import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from tests.programs import run_program

ROOT = pathlib.Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [
    (page.relative_to(ROOT).as_posix(), number, language, text)
    for page in PAGES
    for number, (language, text) in enumerate(
        re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    )
]
PROGRAMS = {
    page: [text for name, _, language, text in BLOCKS if (name, language) == (page, "python")]
    for page in (page.relative_to(ROOT).as_posix() for page in PAGES)
}
LINES = [
    line
    for _, _, language, text in BLOCKS
    if language == "sh"
    for line in text.replace("\\\n", " ").splitlines()
    if line
]


@pytest.mark.long
@pytest.mark.parametrize(
    "page", [name for name in PROGRAMS if name != "README.md" and PROGRAMS[name]]
)
def test_the_python_blocks_of_a_page_run_one_after_the_other(
    page: str, tmp_path: pathlib.Path
) -> None:
    run_program("\n".join(PROGRAMS[page]), tmp_path)


def run_alone(program: str, folder: pathlib.Path) -> str:
    """Runs a program in a fresh Python: the right Keras must be found without further ado."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "TF_CPP_MIN_LOG_LEVEL": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


@pytest.mark.long
def test_the_first_program_of_the_readme_runs(tmp_path: pathlib.Path) -> None:
    run_alone(PROGRAMS["README.md"][0], tmp_path)


AFTER_FIT = """
import copy
import numpy as np

features = {"user": np.array([1, 2, 3]), "film": np.array([4, 5, 6])}
data = tf.data.Dataset.from_tensors((features, np.array([1.0, 0.0, 1.0])))
model = Ranker()
model.compile(tf.keras.optimizers.Adagrad(0.1))
checkpoint = tf.keras.callbacks.ModelCheckpoint
model.fit(data, verbose=0, callbacks=[checkpoint("at/epoch.keras"), checkpoint("at/folder")])
model.summary(print_fn=lambda line: None)
assert model.count_params() == sum(np.size(weight) for weight in model.get_weights())
model.save("ranker.keras")
tf.saved_model.save(model, "saved")
for other in (
    copy.deepcopy(model),
    tf.keras.models.load_model("ranker.keras"),
    tf.keras.models.load_model("at/epoch.keras"),
    tf.keras.models.load_model("at/folder"),
):
    np.testing.assert_array_equal(other(features), model(features))
    other.fit(data, verbose=0)
"""


@pytest.mark.long
def test_the_model_of_your_own_is_whole_after_fit(tmp_path: pathlib.Path) -> None:
    assert "not built" not in run_alone(PROGRAMS["README.md"][1] + AFTER_FIT, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("line", sorted({line for line in LINES if line.startswith("python ")}))
def test_every_command_of_a_page_is_known_to_its_program(line: str) -> None:
    """Runs it with --help: the page's own arguments may train for minutes."""
    words = shlex.split(line)
    module, rest = words[2], [word for word in words[3:] if not word.startswith("-")]
    command = [sys.executable, "-m", module, *rest[:1], "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for option in (word for word in words[3:] if word.startswith("--")):
        assert option.split("=")[0] in done.stdout


@pytest.mark.parametrize("line", sorted({line for line in LINES if line.startswith("make ")}))
def test_every_make_line_names_a_target(line: str) -> None:
    done = subprocess.run(
        [*shlex.split(line), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_other_line_needs_another_program_and_parses() -> None:
    """Containers, clusters and clouds, and curl against a server elsewhere, cannot run here."""
    others = [line for line in LINES if not line.startswith(("python ", "make "))]
    assert others
    for line in others:
        assert line.split()[0] in ("aws", "cd", "curl", "docker", "gcloud", "kubectl"), line
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0


@pytest.mark.parametrize("page", PROGRAMS)
def test_the_files_that_a_page_points_at_are_there(page: str) -> None:
    """By the links as they stand in the repository; `make docs` looks at those of the site."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http|#)([^)#]+)[^)]*\)", text):
        assert ((ROOT / page).parent / target).exists(), target
