"""How good the model is, beside its baselines."""

import html

from pipelines.evaluation.interval import Interval
from pipelines.report.contents import Contents
from pipelines.report.html_table import html_table
from pipelines.report.interval_cell import interval_cell
from pipelines.report.lower_is_better import lower_is_better


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
    arrow = "↓" if lower_is_better(name) else "↑"
    return f"{html.escape(name.replace('_', ' '))} {arrow}"


def _best(name: str, models: dict[str, dict[str, Interval]]) -> str | None:
    known = {
        model: found[name].value
        for model, found in models.items()
        if name in found and found[name].value is not None
    }
    if len(known) < 2:
        return None
    return (min if lower_is_better(name) else max)(known, key=lambda model: known[model] or 0.0)
