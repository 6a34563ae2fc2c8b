"""Trials as text and as CSV."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Literal

from pipelines.tuning.trial_record import TrialRecord


def trials_table(
    records: Sequence[TrialRecord], mode: Literal["min", "max"], form: Literal["text", "csv"]
) -> str:
    """Lays trials out, the best first, those that were pruned or failed behind the complete ones.

    Args:
        records: The trials.
        mode: Whether low or high values are good.
        form: Aligned text for people, or CSV with the errors for programs.

    Returns:
        A line a trial, below a line of headings.

    Example:
        >>> records = [TrialRecord(0, "pruned", 0.7, {"model.dim": 8}, (0.7,)),
        ...            TrialRecord(1, "complete", 0.5, {"model.dim": 16}, (0.6, 0.5))]
        >>> print(trials_table(records, "min", "text"))
        trial     state  epochs   value  model.dim
            1  complete       2  0.5000         16
            0    pruned       1  0.7000          8
    """
    states = ("complete", "pruned", "failed")
    sign = 1.0 if mode == "min" else -1.0
    order = sorted(
        records,
        key=lambda one: (states.index(one.state), sign * (one.value or 0.0), one.number),
    )
    paths = list(dict.fromkeys(path for one in records for path in one.values))
    headings = ["trial", "state", "epochs", "value", *paths]
    rows = [
        [str(one.number), one.state, str(len(one.curve))]
        + ["" if one.value is None else (f"{one.value:.4f}" if form == "text" else str(one.value))]
        + [_cell(one.values.get(path), form) for path in paths]
        for one in order
    ]
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*headings, "error"])
        writer.writerows([*row, one.error] for row, one in zip(rows, order, strict=True))
        return text.getvalue()
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for row in [headings, *rows]
    )


def _cell(value: Any, form: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and form == "text":
        return f"{value:.4g}"
    return "" if value is None else json.dumps(value)
