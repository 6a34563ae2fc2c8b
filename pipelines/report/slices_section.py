"""Whom the model serves well and whom badly."""

import html
import itertools

from pipelines.evaluation.interval import Interval
from pipelines.report.contents import Contents
from pipelines.report.html_table import html_table
from pipelines.report.interval_cell import interval_cell


def slices_section(contents: Contents) -> str:
    """Returns a table for each sliced feature."""
    slices = contents.judged[contents.model].slices
    if not slices:
        return (
            "<p>No slices are asked for. Name features in <code>evaluation.slices</code>, "
            "<code>evaluation.user</code> or <code>evaluation.item</code>.</p>"
        )
    tables = []
    for field, members in itertools.groupby(slices, lambda one: one.field):
        found = list(members)
        names = list(dict.fromkeys(name for one in found for name in one.metrics))
        rows = [
            [
                html.escape(one.value),
                f"{one.examples:,}",
                *(interval_cell(one.metrics.get(name, Interval(None))) for name in names),
            ]
            for one in found
        ]
        headings = [
            html.escape(field),
            "examples",
            *(html.escape(name.replace("_", " ")) for name in names),
        ]
        tables.append(html_table(f"By {html.escape(field)}", headings, rows))
    return (
        f"<p>{html.escape(contents.model)} on parts of the {html.escape(contents.part)} part. "
        "Activity and popularity count examples of the training part; a dash means that the "
        "metric is not defined on the slice.</p>" + "".join(tables)
    )
