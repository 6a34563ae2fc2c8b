"""Which field pairs move the predictions."""

import html

import numpy as np

from pipelines.report.contents import Contents
from pipelines.report.html_table import html_table

_MOST_PAIRS = 10


def pairs_section(contents: Contents) -> str:
    """Returns the attention and the share of every pair as heat maps, and the strongest pairs."""
    pairs = contents.pairs
    if pairs is None:
        return "<p>The model has no pair interactions.</p>"
    rows = [
        [
            " &times; ".join(html.escape(name) for name in row["fields"]),
            f"{row['contribution']:+.4f}",
            f"{row['magnitude']:.4f}",
            f"{row['attention']:.4f}",
        ]
        for row in pairs.table()[:_MOST_PAIRS]
    ]
    return (
        f"<p>Averages over {pairs.examples:,} examples of the {html.escape(contents.part)} part. "
        "Attention is how much of its weight the model gives a pair; the share is what the pair "
        "adds to the logit, blue upwards and orange downwards.</p>"
        + _heat("Attention of each pair of fields", pairs.fields, pairs.attention, signed=False)
        + _heat(
            "Mean share of each pair in the logit", pairs.fields, pairs.contribution, signed=True
        )
        + html_table(
            "The pairs that move logits most, in either direction",
            ["pair", "mean share", "mean size", "attention"],
            rows,
        )
    )


def _heat(caption: str, fields: list[str], values: np.ndarray, *, signed: bool) -> str:
    limit = float(np.abs(values).max()) or 1.0
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in fields)
    body = []
    for i, name in enumerate(fields):
        cells = []
        for j in range(len(fields)):
            value = float(values[i, j])
            if i == j and not value:
                cells.append('<td class="self">-</td>')
                continue
            colour = "--plus" if value >= 0 else "--minus"
            # Never so strong that the number on it cannot be read.
            strength = 0.6 * abs(value) / limit
            cells.append(
                f'<td style="background: rgba(var({colour}), {strength:.3f})">'
                f"{value:{'+' if signed else ''}.3f}</td>"
            )
        body.append(f'<tr><th scope="row">{html.escape(name)}</th>{"".join(cells)}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{caption}">'
        f'<table class="heat"><caption>{caption}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )
