"""The trials of a search as a table and as pictures."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pipelines.tuning.study import TrialRecord

_COLUMNS = 3


def plot_trials(
    records: Sequence[TrialRecord], file: Path, *, monitor: str, mode: Literal["min", "max"]
) -> None:
    """Draws the value of each trial, all learning curves, and the value against each key.

    Args:
        records: The trials.
        file: Where the picture goes; its suffix (.svg, .png, .pdf) says the format.
        monitor: The name of the value.
        mode: Whether low or high values are good.

    Raises:
        ImportError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "matplotlib must be installed to plot trials. Run: pip install 'tfrs-afm[tune]'."
        ) from error
    paths = list(dict.fromkeys(path for one in records for path in one.values))
    lines = -(-(2 + len(paths)) // _COLUMNS)
    figure = Figure(figsize=(4.2 * _COLUMNS, 3.2 * lines), layout="constrained")
    places = figure.subplots(lines, _COLUMNS, squeeze=False).ravel()
    known = [one for one in records if one.value is not None]
    _draw_history(places[0], known, mode)
    for one in known:
        done = one.state == "complete"
        places[1].plot(
            range(1, len(one.curve) + 1),
            one.curve,
            color="tab:blue" if done else "tab:gray",
            alpha=0.8 if done else 0.5,
            marker="." if len(one.curve) == 1 else None,
        )
    places[1].set(title="learning curves", xlabel="epoch")
    for axes, path in zip(places[2:], paths, strict=False):
        _draw_key(axes, known, path)
    for axes in places[: 2 + len(paths)]:
        axes.set_ylabel(monitor)
    for axes in places[2 + len(paths) :]:
        axes.set_axis_off()
    figure.savefig(file)


def _draw_history(axes: Any, records: Sequence[TrialRecord], mode: str) -> None:
    styles = {
        "complete": ("tab:blue", "o"),
        "pruned": ("tab:gray", "x"),
        "failed": ("tab:red", "s"),
    }
    for state, (colour, marker) in styles.items():
        found = [one for one in records if one.state == state]
        if found:
            axes.scatter(
                [one.number for one in found],
                [one.value for one in found],
                color=colour,
                marker=marker,
                label=state,
            )
    best: list[tuple[int, float]] = []
    for one in records:
        if one.state == "complete" and one.value is not None:
            better = min if mode == "min" else max
            best.append((one.number, better([one.value, *(value for _, value in best[-1:])])))
    if best:
        axes.step(*zip(*best, strict=True), where="post", color="tab:green", label="best so far")
    if records:
        axes.legend()
    axes.set(title="trials", xlabel="trial")


def _draw_key(axes: Any, records: Sequence[TrialRecord], path: str) -> None:
    found = [one for one in records if path in one.values]
    values = [one.values[path] for one in found]
    numbers = all(isinstance(value, int | float) for value in values)
    if not numbers or any(isinstance(value, bool) for value in values):
        values = [str(value) for value in values]
        numbers = False
    axes.scatter(
        values,
        [one.value for one in found],
        color=["tab:blue" if one.state == "complete" else "tab:gray" for one in found],
    )
    if numbers and values and min(values) > 0 and max(values) / min(values) >= 100:
        axes.set_xscale("log")
    axes.set(title=path)


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
