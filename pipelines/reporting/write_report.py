"""The report of a run."""

import html
from collections.abc import Sequence
from pathlib import Path

from pipelines.configuration.configuration import Configuration
from pipelines.files.atomic import write_text
from pipelines.reporting.charts import calibration_section, roc_section
from pipelines.reporting.contents import Contents
from pipelines.reporting.examples import examples_section, pairs_section
from pipelines.reporting.gather_contents import gather_contents
from pipelines.reporting.sections import (
    about_section,
    data_section,
    learning_section,
    metrics_section,
    slices_section,
    summary_section,
)


def write_report(
    configuration: Configuration, out: Path, part: str = "test", beside: Sequence[Path] = ()
) -> Path:
    """Writes `report.html` into the folder of a run: one page that needs no other file.

    Args:
        configuration: That of the run; its section `evaluation` may be another.
        out: The folder of a run that is trained and judged.
        part: The part that curves, slices, pairs and examples are about.
        beside: Folders of other runs on the same examples, to compare with.

    Returns:
        The file.

    Raises:
        ValueError: As `gather_contents`.
    """
    file = out / "report.html"
    write_text(file, render_page(gather_contents(configuration, out, part, beside)))
    return file


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


STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fcfcfd; --card: #ffffff; --ink: #1a1d24; --quiet: #5b6270; --line: #dfe2e8;
  --accent: #2456c6; --good: #11734b; --plus: 36, 86, 198; --minus: 190, 74, 24;
  --c0: #2456c6; --c1: #be4a18; --c2: #11734b; --c3: #7a3fb0; --c4: #6b6f1c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14161b; --card: #1b1e25; --ink: #e8eaef; --quiet: #a0a7b5; --line: #343944;
    --accent: #8db0ff; --good: #6fd3a4; --plus: 92, 140, 255; --minus: 240, 132, 74;
    --c0: #8db0ff; --c1: #ff9d68; --c2: #6fd3a4; --c3: #cf9bff; --c4: #d8dc7a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
header, nav, main, footer { max-width: 68rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 2.5rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .25rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 0 0 .5rem; letter-spacing: -.005em; }
h3 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
p { max-width: 46rem; margin: .3rem 0 .9rem; }
.quiet, caption, figcaption, .legend { color: var(--quiet); }
a { color: var(--accent); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); }
nav ul { list-style: none; margin: 1.2rem 0 0; padding: .6rem 0; display: flex; flex-wrap: wrap;
  gap: .2rem 1.1rem; border-block: 1px solid var(--line); font-size: .9rem; }
nav a { text-decoration: none; }
nav a:hover { text-decoration: underline; }
section { padding: 1.9rem 0 .4rem; }
section + section { border-top: 1px solid var(--line); margin-top: 1.6rem; }
.tiles { display: grid; gap: .9rem; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr));
  margin: 1.4rem 0 0; padding: 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .8rem 1rem; }
.tile dt { color: var(--quiet); font-size: .82rem; }
.tile dd { margin: 0; }
.tile .number { font-size: 1.6rem; font-weight: 600; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.tile small, td small { color: var(--quiet); font-size: .78rem; }
.scroll { overflow-x: auto; margin: .4rem 0 1.3rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
caption { text-align: left; padding-bottom: .3rem; font-size: .88rem; }
th, td { padding: .34rem .8rem; text-align: right; border-bottom: 1px solid var(--line);
  vertical-align: top; white-space: nowrap; }
th:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--quiet); font-weight: 500; vertical-align: bottom; }
tbody th { font-weight: 500; }
td small { display: block; }
table.text :is(th, td) { text-align: left; white-space: normal; }
.best { color: var(--good); font-weight: 650; }
.charts { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fit, minmax(22rem, 1fr));
  align-items: start; }
figure { margin: 0; }
.chart { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .8rem .9rem; max-width: 34rem; }
.chart figcaption { color: var(--ink); font-weight: 550; font-size: .92rem; margin-bottom: .3rem; }
.chart > svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--quiet); font-size: 11px; font-family: inherit; }
svg .axis { font-size: 12px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .diagonal { stroke: var(--quiet); stroke-dasharray: 2 4; }
svg .mark { stroke: var(--quiet); stroke-dasharray: 5 3; }
svg polyline { fill: none; stroke-width: 2; stroke-linejoin: round; }
.s0 { stroke: var(--c0); fill: var(--c0); } .s1 { stroke: var(--c1); fill: var(--c1); }
.s2 { stroke: var(--c2); fill: var(--c2); } .s3 { stroke: var(--c3); fill: var(--c3); }
.s4 { stroke: var(--c4); fill: var(--c4); }
.s1 polyline { stroke-dasharray: 7 3; } .s2 polyline { stroke-dasharray: 2 3; }
.s3 polyline { stroke-dasharray: 9 3 2 3; } .s4 polyline { stroke-dasharray: 4 4; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: .84rem; margin-top: .3rem; }
.legend svg { width: 28px; height: 10px; margin-right: .35rem; vertical-align: middle; }
.heat td { text-align: center; min-width: 3.6rem; font-size: .82rem; border: 1px solid var(--paper);
  padding: .45rem .3rem; }
.heat thead th { vertical-align: bottom; max-width: 7rem; white-space: normal; text-align: center;
  overflow-wrap: anywhere; }
.heat .self { color: var(--quiet); }
.cards { display: grid; gap: 1.1rem; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr));
  margin-top: 1rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .8rem 1rem; min-width: 0; }
.card h3 { margin: 0 0 .2rem; }
.card table { width: 100%; font-size: .84rem; }
.card th { white-space: normal; overflow-wrap: anywhere; font-weight: 450; }
.card td { width: 1%; }
.features { font-size: .84rem; color: var(--quiet); overflow-wrap: anywhere;
  margin: .2rem 0 .5rem; }
.bar { display: flex; align-items: center; gap: .4rem; justify-content: flex-end; }
.bar i { display: block; height: .6rem; border-radius: 2px; background: rgb(var(--plus)); }
.bar i.minus { background: rgb(var(--minus)); }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--accent); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .9rem;
  overflow-x: auto; font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
footer { padding-block: 2rem; color: var(--quiet); font-size: .85rem; }
@media print { nav { display: none; } section { break-inside: avoid; } }
"""
