"""The contents of a report to its page."""

import html

from pipelines.report.about_section import about_section
from pipelines.report.calibration_section import calibration_section
from pipelines.report.contents import Contents
from pipelines.report.data_section import data_section
from pipelines.report.examples_section import examples_section
from pipelines.report.learning_section import learning_section
from pipelines.report.metrics_section import metrics_section
from pipelines.report.pairs_section import pairs_section
from pipelines.report.roc_section import roc_section
from pipelines.report.slices_section import slices_section
from pipelines.report.style import STYLE
from pipelines.report.summary_section import summary_section

_SECTIONS = {
    "data": ("Data", data_section),
    "learning": ("Learning curves", learning_section),
    "metrics": ("Metrics", metrics_section),
    "calibration": ("Calibration", calibration_section),
    "roc": ("ROC", roc_section),
    "slices": ("Slices", slices_section),
    "pairs": ("Field pairs", pairs_section),
    "examples": ("Examples explained", examples_section),
    "about": ("Configuration and versions", about_section),
}
# Even if a name in the data were markup: nothing runs and nothing is loaded.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render_page(contents: Contents) -> str:
    """Returns one HTML page with everything in it: no script, no link out, no picture file.

    Args:
        contents: What to tell.
    """
    links = "".join(f'<li><a href="#{key}">{name}</a></li>' for key, (name, _) in _SECTIONS.items())
    sections = "".join(
        f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">{name}</h2>\n'
        f"{section(contents)}\n</section>\n"
        for key, (name, section) in _SECTIONS.items()
    )
    title = html.escape(contents.title)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: report</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<div class="quiet">{html.escape(contents.model)}, judged on the {html.escape(contents.part)} part \
({contents.labels.size:,} examples)</div>
{summary_section(contents)}
</header>
<nav aria-label="Sections"><ul>{links}</ul></nav>
<main>
{sections}</main>
<footer>Made by <code>python -m pipelines report</code> from the files of the run folder.</footer>
</body>
</html>
"""
