"""How training went."""

import html
from typing import Any

from pipelines.report.contents import Contents
from pipelines.report.html_table import html_table
from pipelines.report.line_chart import line_chart

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
