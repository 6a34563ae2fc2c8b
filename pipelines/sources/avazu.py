"""Avazu: whether somebody clicks on an advertisement in an app or on a mobile site."""

import datetime
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pydantic

from pipelines.configuration.section import Section
from pipelines.sources.source import RepeatedRows, Row, cells_of, file_of, settings_of

_CATEGORIES = [
    *("C1", "banner_pos", "site_id", "site_domain", "site_category", "app_id", "app_domain"),
    *("app_category", "device_id", "device_ip", "device_model", "device_type"),
    *("device_conn_type", "C14", "C15", "C16", "C17", "C18", "C19", "C20", "C21"),
]
_HEADER = ["id", "click", "hour", *_CATEGORIES]


class _Settings(Section):
    file: str = pydantic.Field("train.gz", min_length=1)
    """Name of the file in the folder."""


def avazu(path: Path | None, settings: Mapping[str, Any]) -> dict[str, Iterable[Row]]:
    """Reads the Kaggle form of the Avazu logs: a header, the click, the hour, 21 categories.

    Features: `hour` (of the day, 0 to 23), `weekday` (Monday is 0) and `weekend` (0 or 1), of the
    log's YYMMDDHH; C1, C14 to C21, and those of banner, site, app and device (text). The id of the
    impression, which is another one in each row, is left out.

    Args:
        path: The folder of the file.
        settings: `file`: its name, `train.gz` by default; compressed or not.

    Returns:
        The split "train" alone: `data.split` splits it.

    Raises:
        ValueError: If the file or a setting is invalid.
    """
    file = file_of(path, "avazu", settings_of(_Settings, settings).file)
    return {"train": RepeatedRows(lambda: _rows(file))}


def _rows(file: Path) -> Iterator[Row]:
    for line, cells in cells_of(file, ",", len(_HEADER)):
        if line == 1:
            if cells != _HEADER:
                raise ValueError(
                    f"`file` must begin with the header of Avazu, {','.join(_HEADER)}. Received: "
                    f"{','.join(cells)} in {file}. Give the file train.gz of Kaggle's contest."
                )
            continue
        if cells[1] not in ("0", "1"):
            raise ValueError(
                f"`click` must be 0 or 1. Received: click={cells[1]!r} in {file}, line {line}."
            )
        try:
            time = datetime.datetime.strptime(cells[2], "%y%m%d%H")
        except ValueError as error:
            raise ValueError(
                f"`hour` must be YYMMDDHH. Received: hour={cells[2]!r} in {file}, line {line}."
            ) from error
        row: Row = {"click": float(cells[1]), "hour": time.hour, "weekday": time.weekday()}
        row["weekend"] = int(time.weekday() >= 5)
        for name, cell in zip(_CATEGORIES, cells[3:], strict=True):
            row[name] = cell or None
        yield row
