"""What each threshold finds and what it costs."""

import numpy as np

from pipelines.metrics.roc_curve import ROCCurve
from pipelines.report.contents import Contents
from pipelines.report.line_chart import line_chart

_POINTS = 200  # more than a screen shows


def roc_section(contents: Contents) -> str:
    """Returns the ROC curve of each model."""
    both = 0 < np.count_nonzero(contents.labels) < contents.labels.size
    if not contents.binary or not both:
        return "<p>The part does not hold positives and negatives: there is no ROC curve.</p>"
    curves = {}
    for name, judged in contents.judged.items():
        curve = ROCCurve.of(contents.labels, judged.predictions, contents.weights)
        points = list(zip(curve.false_positive.tolist(), curve.true_positive.tolist(), strict=True))
        if len(points) > _POINTS:
            points = [
                points[place]
                for place in np.linspace(0, len(points) - 1, _POINTS).round().astype(int)
            ]
        curves[name] = points
    chart = line_chart(
        f"ROC on the {contents.part} part",
        curves,
        x="share of negatives called positive",
        y="share of positives found",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        diagonal=True,
    )
    return (
        "<p>Each point is a threshold. The area below a curve is the AUC; the diagonal is chance."
        f'</p><div class="charts">{chart}</div>'
    )
