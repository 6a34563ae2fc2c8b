"""The report of a run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.files.atomic import write_text
from pipelines.reporting import charts, examples, sections
from pipelines.reporting.contents import Contents
from pipelines.reporting.gather_contents import gather_contents

try:
    import jinja2
except ImportError as error:
    raise ImportError(
        "Jinja2 must be installed to write a report. Run: pip install 'tfrs-afm[pipelines]'."
    ) from error


def write_report(
    configuration: Configuration, out: Path, part: str | None = None, beside: Sequence[Path] = ()
) -> Path:
    """Writes `report.html` into the folder of a run: one page that needs no other file.

    Args:
        configuration: That of the run; its section `evaluation` may be another.
        out: The folder of a run that is trained and evaluated.
        part: The split that curves, slices, pairs and examples are about. Default: test, or else
            validation.
        beside: Folders of other runs on the same examples, to compare with.

    Returns:
        The file.

    Raises:
        ValueError: As `gather_contents`.
    """
    file = out / "report.html"
    write_text(file, render_page(gather_contents(configuration, out, part, beside)))
    return file


_SECTIONS: dict[str, tuple[str, Callable[[Contents], Any]]] = {
    "data": ("Data", sections.data),
    "learning": ("Learning curves", sections.learning),
    "metrics": ("Metrics", sections.metrics),
    "calibration": ("Calibration", charts.calibration),
    "roc": ("ROC", charts.roc),
    "slices": ("Slices", sections.slices),
    "pairs": ("Field pairs", examples.pairs),
    "examples": ("Examples explained", examples.examples),
    "about": ("Configuration and versions", sections.about),
}


# Why there is nothing to tell: one line for all such sections together.
_NOTHING = {
    "learning": "learning curves, as the run folder holds none.",
    "calibration": "calibration, as the model predicts no probabilities.",
    "roc": "ROC, as the split does not hold positives and negatives.",
    "slices": "slices, as none are asked for (evaluation.slices, .user or .item).",
    "pairs": "field pairs, as the model has no pair interactions.",
    "examples": "examples, as the model cannot be taken apart.",
}


def render_page(contents: Contents) -> str:
    """Returns one HTML page with everything in it: no script, no link out, no picture file.

    The words are in `templates`, in a file for each section; a section that has nothing to tell is
    left out, and a line at the end says why.

    Args:
        contents: What to tell.
    """
    loader = jinja2.PackageLoader("pipelines.reporting")
    templates = jinja2.Environment(
        loader=loader,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style, _, _ = loader.get_source(templates, "report.css")
    views = {key: view(contents) for key, (_, view) in _SECTIONS.items()}
    return templates.get_template("page.html").render(
        contents=contents,
        style=style,
        tiles=sections.summary(contents),
        beaten=sections.beaten(contents),
        sections=[
            {"key": key, "title": _SECTIONS[key][0], "view": view}
            for key, view in views.items()
            if view is not None
        ],
        left_out=[_NOTHING[key] for key, view in views.items() if view is None],
    )
