"""Curves as inline SVG."""

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.evaluation.measures import ReliabilityCurve, ROCCurve, calibration_error
from pipelines.reporting.contents import Contents, Table

_WIDTH, _HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 20, 44
_CURVES = 5  # styles of the page
_MOST_MARKS = 40  # with more points than that, marks would hide the line

_Points = Sequence[tuple[float, float]]


def line_chart(
    title: str,
    series: Mapping[str, _Points],
    *,
    x: str,
    y: str,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    diagonal: bool = False,
    mark: tuple[float, str] | None = None,
) -> str:
    """Returns a figure with one curve for each series, told apart by colour, dash and legend.

    The colours are variables of the page, so the chart is legible on light and on dark. Points
    that are not finite are left out.

    Args:
        title: What it shows; also the text for those who cannot see it, with each curve's ends.
        series: Name -> points (x, y), by rising x.
        x: Name of the horizontal axis.
        y: Name of the vertical axis.
        x_range: Ends of the axis. Default: those of the points.
        y_range: Ends of the axis. Default: those of the points.
        diagonal: Whether to draw the line y = x.
        mark: An x to draw a vertical line at, and its name.

    Example:
        >>> "<svg" in line_chart("Loss", {"train": [(1, 0.7), (2, 0.6)]}, x="epoch", y="loss")
        True
    """
    drawn = {
        name: [(a, b) for a, b in points if math.isfinite(a) and math.isfinite(b)]
        for name, points in series.items()
    }
    spots = [spot for points in drawn.values() for spot in points] or [(0.0, 0.0)]
    across = _axis([spot[0] for spot in spots], x_range)
    up = _axis([spot[1] for spot in spots], y_range)

    def place(a: float, b: float) -> tuple[float, float]:
        right = (a - across[0]) / (across[1] - across[0]) * (_WIDTH - _LEFT - _RIGHT)
        above = (b - up[0]) / (up[1] - up[0]) * (_HEIGHT - _TOP - _BOTTOM)
        return round(_LEFT + right, 1), round(_HEIGHT - _BOTTOM - above, 1)

    parts = []
    for tick in _ticks(*up):
        _, at = place(across[0], tick)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{at}" y2="{at}"/>'
        )
        parts.append(f'<text x="{_LEFT - 6}" y="{at + 4}" text-anchor="end">{tick:.5g}</text>')
    whole = all(spot[0] == round(spot[0]) for spot in spots) and x_range is None
    for tick in _ticks(*across, whole=whole):
        at, _ = place(tick, up[0])
        parts.append(
            f'<line class="grid" x1="{at}" x2="{at}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
        )
        parts.append(
            f'<text x="{at}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{tick:.5g}</text>'
        )
    parts.append(
        f'<text class="axis" x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 8}" '
        f'text-anchor="middle">{html.escape(x)}</text>'
        f'<text class="axis" transform="rotate(-90)" x="{-(_TOP + _HEIGHT - _BOTTOM) / 2}" y="13" '
        f'text-anchor="middle">{html.escape(y)}</text>'
    )
    if diagonal:
        low, high = max(across[0], up[0]), min(across[1], up[1])
        (x1, y1), (x2, y2) = place(low, low), place(high, high)
        parts.append(f'<line class="diagonal" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')
    if mark:
        at, _ = place(mark[0], up[0])
        parts.append(  # its name is above the chart, where no curve comes
            f'<line class="mark" x1="{at}" x2="{at}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
            f'<text x="{at}" y="{_TOP - 6}" text-anchor="middle">{html.escape(mark[1])}</text>'
        )
    for index, points in enumerate(drawn.values()):
        parts.append(_curve(index % _CURVES, [place(*spot) for spot in points]))
    told = "; ".join(
        f"{name} from {points[0][1]:.4g} to {points[-1][1]:.4g}"
        for name, points in drawn.items()
        if points
    )
    legend = "".join(
        f'<span><svg viewBox="0 0 28 10" aria-hidden="true">'
        f'<g class="s{index % _CURVES}"><polyline points="1,5 27,5"/></g></svg>'
        f"{html.escape(name)}</span>"
        for index, name in enumerate(drawn)
    )
    return (
        f'<figure class="chart"><figcaption>{html.escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{html.escape(f"{title}: {told}")}">{"".join(parts)}</svg>'
        f'<div class="legend">{legend}</div></figure>'
    )


def _curve(number: int, points: Sequence[tuple[float, float]]) -> str:
    path = " ".join(f"{a:g},{b:g}" for a, b in points)
    dots = ""
    if len(points) <= _MOST_MARKS:
        dots = "".join(f'<circle cx="{a:g}" cy="{b:g}" r="2.5"/>' for a, b in points)
    return f'<g class="s{number}"><polyline points="{path}"/>{dots}</g>'


def _axis(values: Sequence[float], given: tuple[float, float] | None) -> tuple[float, float]:
    low, high = given or (min(values), max(values))
    room = 0.5 if low == high else 0.0 if given else 0.04 * (high - low)
    # What is never negative, a loss or megabytes, has no axis below 0.
    return low - room if low < 0 else max(0.0, low - room), high + room


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Returns about five round numbers between two ends, integers where that is asked for."""
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= next(times for times in (1, 2, 2.5, 5, 10) if (high - low) / (step * times) <= 5.5)
    step = max(1.0, float(round(step))) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


_BINS = 15


def calibration(contents: Contents) -> dict[str, Any] | None:
    """Returns the reliability curve of each model, and the numbers of the model's own."""
    if not contents.probabilities:
        return None
    curves, errors = {}, []
    for name, evaluated in contents.evaluated.items():
        one = ReliabilityCurve.of(contents.labels, evaluated.predictions, _BINS, contents.weights)
        error = calibration_error(contents.labels, evaluated.predictions, _BINS, contents.weights)
        curves[name] = list(zip(one.predicted.tolist(), one.observed.tolist(), strict=True))
        errors.append(f"{name} {error:.4f}")
    own = ReliabilityCurve.of(
        contents.labels, contents.evaluated[contents.model].predictions, _BINS, contents.weights
    )
    headings = ["mean prediction", "positives", "examples"]
    rows = [
        [f"{predicted:.3f}", f"{observed:.3f}", f"{count:,}"]
        for predicted, observed, _, count in zip(*own, strict=True)
    ]
    if contents.weights is not None:
        headings.append("sum of weights")
        rows = [[*row, f"{weight:,.4g}"] for row, weight in zip(rows, own.weight, strict=True)]
    chart = line_chart(
        f"Reliability on the {contents.part} split",
        curves,
        x="mean prediction",
        y="rate of positives",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        diagonal=True,
    )
    return {
        "bins": _BINS,
        "errors": errors,
        "chart": chart,
        "numbers": Table(f"Bins of {contents.model}", headings, rows),
    }


_POINTS = 200  # more than a screen shows


def roc(contents: Contents) -> dict[str, str] | None:
    """Returns the ROC curve of each model."""
    both = 0 < np.count_nonzero(contents.labels) < contents.labels.size
    if not contents.binary or not both:
        return None
    curves = {}
    for name, evaluated in contents.evaluated.items():
        curve = ROCCurve.of(contents.labels, evaluated.predictions, contents.weights)
        points = list(zip(curve.false_positive.tolist(), curve.true_positive.tolist(), strict=True))
        if len(points) > _POINTS:
            points = [
                points[place]
                for place in np.linspace(0, len(points) - 1, _POINTS).round().astype(int)
            ]
        curves[name] = points
    chart = line_chart(
        f"ROC on the {contents.part} split",
        curves,
        x="share of negatives called positive",
        y="share of positives found",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        diagonal=True,
    )
    return {"chart": chart}
