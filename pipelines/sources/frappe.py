"""Frappe: which app somebody uses in which situation."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pipelines.configuration.section import Section
from pipelines.sources.source import RepeatedRows, Row, cells_of, file_of, number_of, settings_of

# Field -> how many ids it has. In the libFM form the ids of all fields are counted through, in
# this order.
_SIZES = {
    "user": 957,
    "item": 4082,
    "daytime": 7,
    "weekday": 7,
    "isweekend": 2,
    "homework": 3,
    "cost": 2,
    "weather": 9,
    "country": 80,
    "city": 233,
}


class _Settings(Section):
    labels: Literal["binary", "signed"] = "binary"
    """`binary`: 0 and 1, for a cross-entropy. `signed`: -1 and 1, as the file has them."""


def frappe(path: Path | None, settings: Mapping[str, Any]) -> dict[str, Iterable[Row]]:
    """Reads Frappe in the libFM form of the papers on NFM and AFM, in their 70/20/10 split.

    Each line is `label id:1 ... id:1` with ten ids; here each field has its own name and counts
    its ids from 0: user, item, daytime, weekday, isweekend, homework, cost, weather, country,
    city. Of three rows two are negatives: items that the user never used.

    Args:
        path: Folder with `frappe.train.libfm`, `frappe.validation.libfm` and, if it is to be had,
            `frappe.test.libfm`.
        settings: `labels`: `"binary"` (default) or `"signed"`.

    Returns:
        The splits whose files are there; "train" and "validation" always are.

    Raises:
        ValueError: If a file or a setting is invalid.
    """
    signed = settings_of(_Settings, settings).labels == "signed"
    files = {
        part: file_of(path, "frappe", f"frappe.{part}.libfm") for part in ("train", "validation")
    }
    test = files["train"].with_name("frappe.test.libfm")
    if test.is_file():
        files["test"] = test
    return {
        part: RepeatedRows(functools.partial(_rows, file, -1.0 if signed else 0.0))
        for part, file in files.items()
    }


def _rows(file: Path, negative: float) -> Iterator[Row]:
    for line, cells in cells_of(file, None, 1 + len(_SIZES)):
        label = number_of("label", cells[0], file, line)
        row: Row = {"label": 1.0 if label > 0 else negative}
        start = 0
        for (name, size), cell in zip(_SIZES.items(), cells[1:], strict=True):
            one = number_of(name, cell.removesuffix(":1"), file, line) - start
            if not 0 <= one < size:
                raise ValueError(
                    f"`{name}` must be an id in [{start}, {start + size}). Received: {cell!r} in "
                    f"{file}, line {line}. The fields must be in the order {', '.join(_SIZES)}."
                )
            row[name] = one
            start += size
        yield row
