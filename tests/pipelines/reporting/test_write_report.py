import json
import shutil
from pathlib import Path

import pytest

from pipelines.__main__ import main
from pipelines.configuration.configuration import Configuration
from pipelines.configuration.load_configuration import load_configuration
from pipelines.reporting.gather_contents import gather_contents
from pipelines.reporting.write_report import write_report
from pipelines.runs.train_run import train_run
from tests.pipelines.planted_clicks import clicks_configuration, write_clicks
from tests.pipelines.reporting.browser import CHROMIUM, open_page

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    clicks = write_clicks(folder / "clicks.csv", 1500)
    train_run(clicks_configuration(clicks), folder / "afm")
    linear = {"kind": "logistic_regression"}
    train_run(clicks_configuration(clicks, model=linear), folder / "linear", data=folder / "shared")
    return folder


def of(run: Path) -> Configuration:
    return load_configuration(run / "configuration.json")


def test_a_run_is_told_beside_its_baselines(runs: Path) -> None:
    contents = gather_contents(of(runs / "afm"), runs / "afm", "test", [runs / "linear"])
    metrics = json.loads((runs / "afm" / "metrics.json").read_text())
    for part, models in metrics.items():
        for model, found in models.items():
            for name, interval in found.items():
                assert contents.metrics[part][model][name].value == interval["value"]
    assert list(contents.evaluated) == ["AFM", "logistic_regression", "popularity"]
    assert set(contents.metrics["test"]) == set(contents.evaluated)
    assert (
        contents.parts["train"].examples > contents.parts["test"].examples == len(contents.labels)
    )
    assert contents.parts["test"].groups == 20
    assert {one.field for one in contents.evaluated["AFM"].slices} == {
        *("user activity", "item popularity", "genres")
    }
    assert contents.pairs.fields == ["user_id", "film_id", "genres", "age"]
    assert len(contents.examples) == 8
    assert len(contents.history) == 2
    assert contents.versions["tensorflow"]


def test_the_planted_pair_is_the_first_of_the_report(runs: Path) -> None:
    contents = gather_contents(of(runs / "afm"), runs / "afm")
    assert contents.pairs.table()[0]["fields"] == ("user_id", "film_id")


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (apt: chromium)")
def test_the_page_opens_in_a_browser_without_an_error_or_a_request(runs: Path) -> None:
    opened = open_page(
        write_report(of(runs / "afm"), runs / "afm", "validation", [runs / "linear"])
    )
    assert opened.console == []
    assert [address for address in opened.requests if not address.startswith("file:")] == []
    for text in ("Reliability on the validation split", "logistic_regression", "By genres"):
        assert text in opened.document


def test_a_linear_run_has_a_report_too(runs: Path) -> None:
    page = write_report(of(runs / "linear"), runs / "linear").read_text(encoding="utf-8")
    assert "no pair interactions" in page


def test_the_command_writes_the_page(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = runs / "afm" / "report.html"
    page.unlink(missing_ok=True)
    words = ["report", "--out", str(runs / "afm"), "--beside", str(runs / "linear")]
    assert main([*words, "--set", "evaluation.slices=[]"]) == 0
    assert capsys.readouterr().out.strip() == str(page)
    assert "By item popularity" in page.read_text(encoding="utf-8")
    assert "By genres" not in page.read_text(encoding="utf-8")


def test_what_cannot_be_reported_is_an_error_that_says_why(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`--split` must be evaluated before it is reported"):
        write_report(of(runs / "afm"), runs / "afm", "train")
    other = tmp_path / "other"
    shutil.copytree(runs / "linear", other)
    shutil.copytree(runs / "shared", other / "data")
    spec = json.loads((other / "data" / "feature_spec.json").read_text())
    spec["parts"]["test"] = spec["parts"]["validation"]
    (other / "data" / "feature_spec.json").write_text(json.dumps(spec))
    run = json.loads((other / "run.json").read_text())
    (other / "run.json").write_text(json.dumps({**run, "prepared": str(other / "data")}))
    with pytest.raises(ValueError, match="`--beside` must be a run on the same examples"):
        write_report(of(runs / "afm"), runs / "afm", beside=[other])


def test_the_split_that_is_there_is_reported(runs: Path, tmp_path: Path) -> None:
    run, prepared = tmp_path / "run", tmp_path / "shared"
    shutil.copytree(runs / "linear", run)
    shutil.copytree(runs / "shared", prepared)
    metrics = json.loads((run / "metrics.json").read_text())
    spec = json.loads((prepared / "feature_spec.json").read_text())
    del metrics["test"], spec["parts"]["test"]
    (run / "metrics.json").write_text(json.dumps(metrics))
    (prepared / "feature_spec.json").write_text(json.dumps(spec))
    assert gather_contents(of(run), run).part == "validation"
    with pytest.raises(ValueError, match="Its splits are train, validation"):
        gather_contents(of(run), run, "test")
    (run / "metrics.json").unlink()
    with pytest.raises(ValueError, match=r"evaluate --out .* --split validation"):
        gather_contents(of(run), run)
