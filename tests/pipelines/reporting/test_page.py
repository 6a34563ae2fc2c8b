import dataclasses
import html.parser
import re
import runpy
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import setuptools

from pipelines.evaluation.bootstrap import Interval
from pipelines.reporting.charts import calibration, line_chart
from pipelines.reporting.contents import Contents
from pipelines.reporting.write_report import render_page
from tests.pipelines.reporting.made_contents import FIELDS, made_contents


class Reader(html.parser.HTMLParser):
    """Tags, attributes and text; fails where a tag is not closed in its turn."""

    EMPTY = ("meta", "br", "line", "circle", "wbr")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def contents() -> Contents:
    return made_contents()


def test_the_page_is_well_formed_and_refers_to_nothing_outside(contents: Contents) -> None:
    page = render_page(contents)
    read = Reader(page)
    for tag, attributes in read.tags:
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "srcset", "data", "action", "xlink:href"):
            assert str(attributes.get(name, "#")).startswith("#")
    assert "url(" not in page
    assert "@import" not in page
    assert not re.search(r"(?:https?:)?//\w", page)


def test_it_can_be_read_without_seeing_it(contents: Contents) -> None:
    read = Reader(render_page(contents))
    count = Counter(tag for tag, _ in read.tags)
    assert ("html", {"lang": "en"}) in read.tags
    assert count["h1"] == count["main"] == count["nav"] == 1
    assert count["table"] == count["caption"]
    headings = [attributes for tag, attributes in read.tags if tag == "th"]
    assert all(attributes.get("scope") in ("col", "row") for attributes in headings)
    for tag, attributes in read.tags:
        if tag == "svg":
            described = attributes.get("role") == "img" and attributes.get("aria-label")
            assert described or attributes.get("aria-hidden") == "true"
    ids = [attributes["id"] for _, attributes in read.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [attributes["href"][1:] for tag, attributes in read.tags if tag == "a"]
    assert targets
    assert set(targets) <= set(ids)


def test_what_is_known_is_told(contents: Contents) -> None:
    text = " ".join(Reader(render_page(contents)).text)
    value = contents.metrics["test"]["AFM"]["auc"].value
    for part in (
        *(f"{value:.4f}", "popularity", "logistic_regression", "800,123", "57.5%", "6,040"),
        *FIELDS,
        *("war", "20-99", "Worst miss", "movie_id = 1193", "+1.234", "tensorflow", "2.21.0"),
        *('"source": "movielens-1m"', "best", "validation", "diagonal"),
    ):
        assert part in text


def test_markup_in_names_stays_text(contents: Contents) -> None:
    bad = "<script>alert('x')</script>\"&"
    changed = dataclasses.replace(
        contents,
        title=bad,
        fields=[(bad, bad)],
        history=[{"epoch": 0, bad: 1.0, f"val_{bad}": 2.0}],
        metrics={bad: {"AFM": {bad: Interval(0.5, 0.4, 0.6)}}},
        pairs=dataclasses.replace(contents.pairs, fields=[bad, *FIELDS[1:]]),
        parts={bad: contents.parts["test"]},
        evaluated={
            name: dataclasses.replace(
                evaluated,
                slices=[dataclasses.replace(one, field=bad, value=bad) for one in evaluated.slices],
            )
            for name, evaluated in contents.evaluated.items()
        },
        examples=[
            dataclasses.replace(one, story=bad, features={bad: bad}, parts={bad: 1.0})
            for one in contents.examples
        ],
        configuration={bad: bad},
        versions={bad: bad},
    )
    read = Reader(render_page(changed))
    assert "script" not in {tag for tag, _ in read.tags}
    # Once in the title, and in each place where the name of something is told; "_" can be broken.
    assert "".join(read.text).count("<script>alert('x')</script>\"&") > 25
    assert ("table", {"class": ""}) in read.tags
    labels = [attributes.get("aria-label") for _, attributes in read.tags]
    assert f"By {bad}" in labels


def test_the_style_is_in_the_page_as_it_is_in_its_file(contents: Contents) -> None:
    style = files("pipelines.reporting").joinpath("templates/report.css").read_text("utf-8")
    assert f"<style>\n{style}</style>" in render_page(contents)
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    security = {"http-equiv": "Content-Security-Policy", "content": policy}
    assert ("meta", security) in Reader(render_page(contents)).tags


def test_the_long_name_of_a_part_may_be_broken(contents: Contents) -> None:
    one = dataclasses.replace(contents.examples[0], parts={"a_<b>_c": 0.5, "bias": -1.0})
    page = render_page(dataclasses.replace(contents, examples=[one]))
    assert '<th scope="row">a_<wbr>&lt;b&gt;_<wbr>c</th>' in page
    assert '<i class="minus" style="width: 5.00rem"></i>-1.000' in page
    assert '<i class="" style="width: 2.50rem"></i>+0.500' in page


def test_a_run_with_little_to_tell_has_a_page_too(contents: Contents) -> None:
    bare = dataclasses.replace(
        contents,
        history=[],
        best_epoch=None,
        binary=False,
        probabilities=False,
        metrics={"test": {"AFM": {"rmse": Interval(0.5), "auc": Interval(None)}}},
        evaluated={"AFM": dataclasses.replace(contents.evaluated["AFM"], slices=[])},
        pairs=None,
        examples=[],
    )
    read = Reader(render_page(bare))
    text = " ".join(read.text)
    assert "no baseline" in text
    line = next(one for one in read.text if one.startswith("Left out: "))
    for part in ("learning curves", "no probabilities", "ROC", "slices, as none", "taken apart"):
        assert part in line
    titles = [one["id"] for tag, one in read.tags if tag == "section"]
    assert titles == ["data", "metrics", "about"]


def test_labels_of_one_class_have_no_roc_curve(contents: Contents) -> None:
    ones = dataclasses.replace(contents, labels=np.ones(contents.labels.size))
    assert "ROC, as the split does not hold positives and negatives" in render_page(ones)


def test_what_is_the_same_at_each_epoch_has_no_chart(contents: Contents) -> None:
    history = [{**record, "tables_megabytes": 1.5} for record in contents.history]
    read = Reader(render_page(dataclasses.replace(contents, history=history)))
    captions = [one["aria-label"] for tag, one in read.tags if one.get("role") == "img"]
    assert any(caption.startswith("loss: ") for caption in captions)
    assert not any("megabytes" in caption for caption in captions)
    assert any("The same at each epoch: tables megabytes 1.5." in text for text in read.text)


@pytest.mark.parametrize("points", [[(1, 0.02), (2, 0.9)], [(1, 0.1)], [(1, 0.0), (2, 0.0)]])
def test_an_axis_goes_below_0_only_where_a_point_does(points: list) -> None:
    def ticks(points: list) -> list[float]:
        chart = line_chart("Loss", {"train": points}, x="epoch", y="loss")
        found = re.findall(r'text-anchor="end">(.*?)</text>', chart)
        return [float(tick) for tick in found]

    assert min(ticks(points)) >= 0
    assert min(ticks([*points, (3, -1.0)])) < 0


def test_a_model_that_wins_is_named(contents: Contents) -> None:
    metrics = {
        "AFM": {"auc": Interval(0.8), "logloss": Interval(0.5), "map": Interval(None)},
        "popularity": {"auc": Interval(0.7), "logloss": Interval(0.4), "map": Interval(0.1)},
    }
    page = render_page(dataclasses.replace(contents, metrics={"test": metrics}))
    sentence = "popularity has a better logloss than AFM on the test split: 0.4000 against 0.5000."
    assert page.count(f"<p>{sentence}</p>") == 1
    assert "better auc" not in page


def test_the_best_value_of_a_metric_is_marked_by_its_direction(contents: Contents) -> None:
    metrics = {
        "AFM": {"auc": Interval(0.8), "logloss": Interval(0.5)},
        "popularity": {"auc": Interval(0.7), "logloss": Interval(0.4)},
    }
    page = render_page(dataclasses.replace(contents, metrics={"test": metrics}))
    for value in ("0.8000", "0.4000"):
        assert f'<span class="best">{value} <span aria-label="best">★</span></span>' in page
    assert page.count("★</span>") == 2


def test_a_metric_is_told_with_its_interval_or_as_not_defined(contents: Contents) -> None:
    metrics = {"AFM": {"auc": Interval(0.8, 0.75, 0.85), "map": Interval(None), "mrr": Interval(1)}}
    page = render_page(dataclasses.replace(contents, metrics={"test": metrics}))
    assert "<td>0.8000<small>0.7500 to 0.8500</small></td>" in page
    assert '<td><span title="not defined on these examples">-</span></td>' in page
    assert "<td>1.0000</td>" in page


def test_a_chart_of_no_or_of_infinite_points_is_a_chart() -> None:
    for points in ([], [(1.0, float("nan"))], [(1.0, 2.0)], [(1.0, float("inf")), (2.0, 1.0)]):
        chart = line_chart("Loss", {"train": points}, x="epoch", y="loss")
        Reader(chart)
        assert "nan" not in chart
        assert "inf" not in chart


def test_epochs_are_counted_in_whole_numbers() -> None:
    chart = line_chart("Loss", {"train": [(1.0, 0.7), (2.0, 0.6)]}, x="epoch", y="loss")
    assert ">1</text>" in chart
    assert ">1.2</text>" not in chart


def test_every_template_is_in_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[3]
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **options: given.update(options))
    monkeypatch.chdir(root)
    runpy.run_path(str(root / "setup.py"))
    folder = root / "pipelines/reporting"
    patterns = given["package_data"]["pipelines.reporting"]
    packed = {file for pattern in patterns for file in folder.glob(pattern)}
    assert folder / "templates/report.css" in packed
    assert packed == {file for file in (folder / "templates").rglob("*") if file.is_file()}


def test_the_calibration_table_counts_examples(contents: Contents) -> None:
    weights = np.full(contents.labels.size, 0.25)
    plain, weighted = (
        calibration(dataclasses.replace(contents, weights=one)) for one in (None, weights)
    )
    assert plain is not None
    assert weighted is not None
    for view in (plain, weighted):
        assert sum(int(row[2].replace(",", "")) for row in view["numbers"].rows) == weights.size
    sums = [float(row[3].replace(",", "")) for row in weighted["numbers"].rows]
    assert sum(sums) == pytest.approx(weights.sum(), rel=1e-3)
