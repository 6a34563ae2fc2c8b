"""The run at a glance."""

import html
import itertools
import json
from typing import Any

from pipelines.configuration.evaluation import direction_of
from pipelines.evaluation.bootstrap import Interval
from pipelines.reporting.charts import line_chart
from pipelines.reporting.contents import Contents, html_table, interval_cell

_MOST = 4


def summary_section(contents: Contents) -> str:
    """Returns a tile for each of the first metrics: the model's value and the best baseline's."""
    models = contents.metrics.get(contents.part, {})
    own = models.get(contents.model, {})
    tiles = []
    for name, interval in list(own.items())[:_MOST]:
        if interval.value is None:
            continue
        ends = ""
        if interval.low is not None:
            ends = f"<small>{interval.low:.4f} to {interval.high:.4f}</small><br>"
        tiles.append(
            f'<div class="tile"><dt>{html.escape(name.replace("_", " "))}, '
            f"{html.escape(contents.part)}</dt>"
            f'<dd><div class="number">{interval.value:.4f}</div>{ends}'
            f"<small>{_beside(name, contents.model, models)}</small></dd></div>"
        )
    return f'<dl class="tiles">{"".join(tiles)}</dl>'


def _beside(name: str, model: str, models: dict[str, dict[str, Interval]]) -> str:
    known = {
        other: found[name].value
        for other, found in models.items()
        if other != model and name in found and found[name].value is not None
    }
    if not known:
        return "no baseline"
    choose = min if direction_of(name) == "min" else max
    best = choose(known, key=lambda other: known[other] or 0.0)
    return f"{html.escape(best)}: {known[best]:.4f}"


def data_section(contents: Contents) -> str:
    """Returns the counts of each part and the fields of the model."""
    grouped = any(part.groups is not None for part in contents.parts.values())
    label = "positive" if contents.binary else "mean label"
    rows = []
    for name, part in contents.parts.items():
        mean = f"{part.mean_label:.1%}" if contents.binary else f"{part.mean_label:.4f}"
        row = [html.escape(name), f"{part.examples:,}", mean]
        rows.append(
            [*row, "-" if part.groups is None else f"{part.groups:,}"][: 4 if grouped else 3]
        )
    headings = ["part", "examples", label, "groups"][: 4 if grouped else 3]
    fields = [[html.escape(name), html.escape(kind)] for name, kind in contents.fields]
    return html_table("Parts of the data", headings, rows) + html_table(
        f"The {len(fields)} fields that the model crosses", ["field", "column"], fields, "text"
    )


_ABOUT = ("epoch", "step")
_COSTS = ("seconds", "examples_per_second", "step_seconds", "input_wait", "learning_rate")


def learning_section(contents: Contents) -> str:
    """Returns a chart for each metric, training beside validation, and the numbers."""
    if not contents.history:
        return "<p>The run folder holds no learning curve.</p>"
    names = list(dict.fromkeys(name for record in contents.history for name in record))
    metrics = [name for name in names if name not in (*_ABOUT, *_COSTS)]
    first = contents.history[0].get("epoch", 0)
    mark = None
    if contents.best_epoch is not None:
        mark = (contents.best_epoch - first + 1.0, "best")
    charts = []
    for name in [name for name in metrics if not name.startswith("val_")]:
        series = {}
        for part, key in (("training", name), ("validation", f"val_{name}")):
            points = [
                (record.get("epoch", 0) - first + 1.0, float(record[key]))
                for record in contents.history
                if record.get(key) is not None
            ]
            if points:
                series[part] = points
        charts.append(line_chart(_words(name), series, x="epoch", y=_words(name), mark=mark))
    rows = [
        [str(record.get("epoch", 0) - first + 1), *(_cell(record.get(name)) for name in names[1:])]
        for record in contents.history
    ]
    headings = ["epoch", *(html.escape(_words(name)) for name in names[1:])]
    numbers = html_table("The learning curve, epoch by epoch", headings, rows)
    return (
        f'<div class="charts">{"".join(charts)}</div>'
        f"<details><summary>All numbers of the learning curve</summary>{numbers}</details>"
    )


def _words(name: str) -> str:
    return name.replace("val_", "validation ").replace("_", " ")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return "-" if value is None else html.escape(str(value))


def metrics_section(contents: Contents) -> str:
    """Returns a table for each part: models by metrics, with intervals, the best one marked."""
    tables = []
    for part, models in contents.metrics.items():
        names = list(dict.fromkeys(name for found in models.values() for name in found))
        order = sorted(models, key=lambda model: model != contents.model)
        best = {name: _best(name, models) for name in names}
        rows = [
            [
                html.escape(model),
                *(
                    interval_cell(models[model].get(name, Interval(None)), best=model == best[name])
                    for name in names
                ),
            ]
            for model in order
        ]
        headings = ["", *(_heading(name) for name in names)]
        tables.append(html_table(f"Metrics on the {html.escape(part)} part", headings, rows))
    return (
        "<p>Small numbers are confidence intervals by resampling; the best value of a column is "
        "green and marked ★. An arrow tells whether high (↑) or low (↓) is good.</p>"
        + "".join(tables)
    )


def _heading(name: str) -> str:
    arrow = "↓" if direction_of(name) == "min" else "↑"
    return f"{html.escape(name.replace('_', ' '))} {arrow}"


def _best(name: str, models: dict[str, dict[str, Interval]]) -> str | None:
    known = {
        model: found[name].value
        for model, found in models.items()
        if name in found and found[name].value is not None
    }
    if len(known) < 2:
        return None
    choose = min if direction_of(name) == "min" else max
    return choose(known, key=lambda model: known[model] or 0.0)


def slices_section(contents: Contents) -> str:
    """Returns a table for each sliced feature."""
    slices = contents.judged[contents.model].slices
    if not slices:
        return (
            "<p>No slices are asked for. Name features in <code>evaluation.slices</code>, "
            "<code>evaluation.user</code> or <code>evaluation.item</code>.</p>"
        )
    tables = []
    for field, members in itertools.groupby(slices, lambda one: one.field):
        found = list(members)
        names = list(dict.fromkeys(name for one in found for name in one.metrics))
        rows = [
            [
                html.escape(one.value),
                f"{one.examples:,}",
                *(interval_cell(one.metrics.get(name, Interval(None))) for name in names),
            ]
            for one in found
        ]
        headings = [
            html.escape(field),
            "examples",
            *(html.escape(name.replace("_", " ")) for name in names),
        ]
        tables.append(html_table(f"By {html.escape(field)}", headings, rows))
    return (
        f"<p>{html.escape(contents.model)} on parts of the {html.escape(contents.part)} part. "
        "Activity and popularity count examples of the training part; a dash means that the "
        "metric is not defined on the slice.</p>" + "".join(tables)
    )


def about_section(contents: Contents) -> str:
    """Returns the configuration as it was resolved, and the versions."""
    text = json.dumps(contents.configuration, indent=2, ensure_ascii=False)
    rows = [
        [html.escape(name), html.escape(version)] for name, version in contents.versions.items()
    ]
    return (
        html_table("Versions", ["program or package", "version"], rows, "text")
        + "<details open><summary>Configuration, as JSON that <code>--config</code> takes</summary>"
        f"<pre><code>{html.escape(text)}</code></pre></details>"
    )
