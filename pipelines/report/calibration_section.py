"""Whether probabilities mean what they say."""

import html

from pipelines.metrics.calibration_error import calibration_error
from pipelines.metrics.reliability_curve import ReliabilityCurve
from pipelines.report.contents import Contents
from pipelines.report.html_table import html_table
from pipelines.report.line_chart import line_chart

_BINS = 15


def calibration_section(contents: Contents) -> str:
    """Returns the reliability curve of each model, and the numbers of the model's own."""
    if not contents.probabilities:
        return "<p>The model predicts no probabilities, so there is nothing to calibrate.</p>"
    curves, errors = {}, []
    for name, judged in contents.judged.items():
        one = ReliabilityCurve.of(contents.labels, judged.predictions, _BINS, contents.weights)
        error = calibration_error(contents.labels, judged.predictions, _BINS, contents.weights)
        curves[name] = list(zip(one.predicted.tolist(), one.observed.tolist(), strict=True))
        errors.append(f"{html.escape(name)} {error:.4f}")
    own = ReliabilityCurve.of(
        contents.labels, contents.judged[contents.model].predictions, _BINS, contents.weights
    )
    rows = [
        [f"{predicted:.3f}", f"{observed:.3f}", f"{weight:,.0f}"]
        for predicted, observed, weight in zip(*own, strict=True)
    ]
    chart = line_chart(
        f"Reliability on the {contents.part} part",
        curves,
        x="mean prediction",
        y="rate of positives",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        diagonal=True,
    )
    table = html_table(
        f"Bins of {html.escape(contents.model)}", ["mean prediction", "positives", "examples"], rows
    )
    return (
        "<p>On the diagonal, of the examples predicted at 30 % three in ten are positive; below "
        "it, predictions are too high. Mean distance from the diagonal (expected calibration "
        f"error, {_BINS} bins): {', '.join(errors)}.</p>"
        f'<div class="charts">{chart}<div>{table}</div></div>'
    )
