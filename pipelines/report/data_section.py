"""What the model was trained and judged on."""

import html

from pipelines.report.contents import Contents
from pipelines.report.html_table import html_table


def data_section(contents: Contents) -> str:
    """Returns the counts of each part and the fields of the model."""
    grouped = any(part.groups is not None for part in contents.parts.values())
    label = "positive" if contents.binary else "mean label"
    rows = []
    for name, part in contents.parts.items():
        mean = f"{part.mean_label:.1%}" if contents.binary else f"{part.mean_label:.4f}"
        row = [html.escape(name), f"{part.examples:,}", mean]
        rows.append(
            [*row, "-" if part.groups is None else f"{part.groups:,}"][: 4 if grouped else 3]
        )
    headings = ["part", "examples", label, "groups"][: 4 if grouped else 3]
    fields = [[html.escape(name), html.escape(kind)] for name, kind in contents.fields]
    return html_table("Parts of the data", headings, rows) + html_table(
        f"The {len(fields)} fields that the model crosses", ["field", "column"], fields, "text"
    )
