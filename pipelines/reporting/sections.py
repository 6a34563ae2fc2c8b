"""The run at a glance: what the templates of the same names lay out."""

import itertools
import json
from typing import Any

from pipelines.configuration.evaluation import direction_of
from pipelines.evaluation.bootstrap import Interval
from pipelines.reporting.charts import line_chart
from pipelines.reporting.contents import BEFORE_CALIBRATION, Contents, MetricCell, Table

_MOST = 4


def summary(contents: Contents) -> list[dict[str, str]]:
    """Returns a tile for each of the first metrics: the model's value and the best baseline's."""
    models = contents.metrics.get(contents.part, {})
    own = models.get(contents.model, {})
    return [
        {
            "name": name.replace("_", " "),
            "value": f"{interval.value:.4f}",
            "interval": (
                "" if interval.low is None else f"{interval.low:.4f} to {interval.high:.4f}"
            ),
            "beside": _beside(name, contents.model, models),
        }
        for name, interval in list(own.items())[:_MOST]
        if interval.value is not None
    ]


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
    return f"{best}: {known[best]:.4f}"


def beaten(contents: Contents) -> list[str]:
    """Returns a sentence for each of the first metrics in which another model is better."""
    models = contents.metrics.get(contents.part, {})
    sentences = []
    for name, interval in list(models.get(contents.model, {}).items())[:_MOST]:
        best = _best(name, models)
        if interval.value is None or best is None or models[best][name].value == interval.value:
            continue
        sentences.append(
            f"{best} has a better {name.replace('_', ' ')} than {contents.model} on the "
            f"{contents.part} split: {models[best][name].value:.4f} against {interval.value:.4f}."
        )
    return sentences


def data(contents: Contents) -> dict[str, Table]:
    """Returns the counts of each split and the fields of the model."""
    grouped = any(part.groups is not None for part in contents.parts.values())
    headings = ["part", "examples", "positive" if contents.binary else "mean label"]
    rows = []
    for name, part in contents.parts.items():
        mean = f"{part.mean_label:.1%}" if contents.binary else f"{part.mean_label:.4f}"
        rows.append([name, f"{part.examples:,}", mean])
        if grouped:
            rows[-1].append("-" if part.groups is None else f"{part.groups:,}")
    return {
        "parts": Table("Splits of the data", headings + ["groups"] * grouped, rows),
        "fields": Table(
            f"The {len(contents.fields)} fields that the model crosses",
            ["field", "column"],
            contents.fields,
            "text",
        ),
    }


_ABOUT = ("epoch", "step", "kernels")
_COSTS = ("seconds", "examples_per_second", "step_seconds", "input_wait", "learning_rate")


def learning(contents: Contents) -> dict[str, Any] | None:
    """Returns a chart for each metric, training beside validation, and the numbers."""
    if not contents.history:
        return None
    names = list(dict.fromkeys(name for record in contents.history for name in record))
    metrics = [name for name in names if name not in (*_ABOUT, *_COSTS)]
    first = contents.history[0].get("epoch", 0)
    mark = None
    if contents.best_epoch is not None:
        mark = (contents.best_epoch - first + 1.0, "best")
    charts, flat = [], []
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
        values = {value for points in series.values() for _, value in points}
        if len(values) == 1 and len(contents.history) > 1:
            flat.append(f"{_words(name)} {_cell(values.pop())}")
        elif max(map(len, series.values()), default=0) > 1:
            charts.append(line_chart(_words(name), series, x="epoch", y=_words(name), mark=mark))
    rows = [
        [str(record.get("epoch", 0) - first + 1), *(_cell(record.get(name)) for name in names[1:])]
        for record in contents.history
    ]
    headings = ["epoch", *map(_words, names[1:])]
    return {
        "charts": charts,
        "flat": flat,
        "numbers": Table("The learning curve, epoch by epoch", headings, rows),
    }


def _words(name: str) -> str:
    return name.replace("val_", "validation ").replace("_", " ")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return "-" if value is None else str(value)


def metrics(contents: Contents) -> dict[str, list[Table]]:
    """Returns a table for each split: models by metrics, with intervals, the best one marked."""
    tables = []
    for part, models in contents.metrics.items():
        names = list(dict.fromkeys(name for found in models.values() for name in found))
        order = sorted(models, key=lambda model: model != contents.model)
        best = {name: _best(name, models) for name in names}
        rows: list[list[str | MetricCell]] = [
            [
                model,
                *(
                    MetricCell(models[model].get(name, Interval(None)), best=model == best[name])
                    for name in names
                ),
            ]
            for model in order
        ]
        headings = ["", *map(_heading, names)]
        tables.append(Table(f"Metrics on the {part} split", headings, rows))
    return {"tables": tables}


def _heading(name: str) -> str:
    arrow = "↓" if direction_of(name) == "min" else "↑"
    return f"{name.replace('_', ' ')} {arrow}"


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


def slices(contents: Contents) -> dict[str, list[Table]] | None:
    """Returns a table for each sliced feature."""
    tables = []
    before = {
        (one.field, one.value): one.metrics.get("calibration_error", Interval(None))
        for one in getattr(contents.evaluated.get(BEFORE_CALIBRATION), "slices", ())
    }
    for field, members in itertools.groupby(
        contents.evaluated[contents.model].slices, lambda one: one.field
    ):
        found = list(members)
        names = list(dict.fromkeys(name for one in found for name in one.metrics))
        rows: list[list[str | MetricCell]] = [
            [
                one.value,
                f"{one.examples:,}",
                *(MetricCell(one.metrics.get(name, Interval(None))) for name in names),
                *([MetricCell(before[one.field, one.value])] if before else []),
            ]
            for one in found
        ]
        headings = [field, "examples", *(name.replace("_", " ") for name in names)]
        headings += ["calibration error before calibration"] * bool(before)
        tables.append(Table(f"By {field}", headings, rows))
    return {"tables": tables} if tables else None


def about(contents: Contents) -> dict[str, Any]:
    """Returns the configuration as it was resolved, and the versions."""
    return {
        "versions": Table(
            "Versions", ["program or package", "version"], list(contents.versions.items()), "text"
        ),
        "configuration": json.dumps(contents.configuration, indent=2, ensure_ascii=False),
    }
