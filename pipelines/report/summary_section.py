"""The run at a glance."""

import html

from pipelines.evaluation.interval import Interval
from pipelines.report.contents import Contents
from pipelines.report.lower_is_better import lower_is_better

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
    best = (min if lower_is_better(name) else max)(known, key=lambda other: known[other] or 0.0)
    return f"{html.escape(best)}: {known[best]:.4f}"
