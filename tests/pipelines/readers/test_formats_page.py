"""Each cell of the table of docs/formats.md, written and read, by row and in batches."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.formats import FormatOptions
from pipelines.readers.read_rows import read_rows
from tests.pipelines.readers.format_files import FORMATS, PROPERTIES, Property

PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
LABELS = {"yes": 1.0, "no": 0.0}


def table() -> dict[str, dict[str, str]]:
    lines = re.search(r"^\| property \|.*?(?=\n\n)", PAGE, re.M | re.S)
    assert lines is not None
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines[0].splitlines()
    ]
    assert head[1:] == list(FORMATS)
    return {row[0]: dict(zip(FORMATS, row[1:], strict=True)) for row in rows}


TABLE = table()


def options_of(about: Property, form: str) -> FormatOptions:
    """The options that the format has."""
    known = dict(about.options)
    for _ in about.options:
        try:
            FormatOptions(form, **known)
        except ValueError as error:
            assert "must be left out" in str(error)  # noqa: PT017
            del known[re.findall(r"`(\w+)`", str(error))[0]]
    return FormatOptions(form, **known)


def by_row(path: Path, about: Property, form: str) -> list[Any]:
    name = about.name_in(form)
    dtype = "string" if about.dtype == "label" else about.dtype
    values = [row[name] for row, _, _ in read_rows([path], options_of(about, form), {name: dtype})]
    return [LABELS[value] for value in values] if about.dtype == "label" else values


def in_batches(path: Path, about: Property, form: str) -> list[Any]:
    name, options = about.name_in(form), options_of(about, form)
    if about.dtype == "label":
        batches = Batches([path], options, {}, BatchOptions(name, label_values=LABELS))
        return [value for _, labels in batches(0, 0) for value in labels.numpy()[:, 0].tolist()]
    spec = {name: tf.io.VarLenFeature(getattr(tf, about.dtype))}
    lists: list[Any] = []
    for features in Batches([path], options, spec, BatchOptions(None))(0, 0):
        read = tf.RaggedTensor.from_sparse(features[name]).to_list()
        lists += [[value for value in one if value == value] for one in read]  # NaN is masked
    return [one if len(one) > 1 else one[0] if one else None for one in lists]


def plain(values: list[Any], dtype: str) -> list[Any]:
    """Values as the model sees them; one value and a list of one mean the same."""
    found = []
    for value in values:
        many = value if isinstance(value, list) else [] if value is None else [value]
        if dtype == "float32":
            many = [float(np.float32(one)) for one in many]
        found.append([one.encode() if isinstance(one, str) else one for one in many])
    return found


def cells(name: str) -> Iterator[tuple[str, str, Property]]:
    about = PROPERTIES[name]
    for form, cell in TABLE[name].items():
        assert (cell == "-") == (form not in about.contents), form
        if cell != "-":
            yield form, cell, about


def check(read: Any, cell: str, path: Path, about: Property) -> None:
    if cell == "error":
        with pytest.raises((ValueError, tf.errors.OpError), match=re.escape(path.name)):
            read()
    elif cell == "as they are":
        assert read() == [b"\xff"]
    else:
        assert cell == ("missing" if about.expected == [None] else "yes")
        assert plain(read(), about.dtype) == plain(about.expected, about.dtype)


def test_the_table_and_the_properties_that_are_tried_are_the_same() -> None:
    assert list(TABLE) == list(PROPERTIES)


@pytest.mark.parametrize("name", PROPERTIES)
def test_rows_are_read_as_the_table_says(name: str, tmp_path: Path) -> None:
    for form, cell, about in cells(name):
        path = about.write(tmp_path, form)
        by_rows = "error" if cell == "as they are" else cell
        check(lambda p=path, f=form, a=about: by_row(p, a, f), by_rows, path, about)


@pytest.mark.long
@pytest.mark.parametrize("name", [one for one in PROPERTIES if PROPERTIES[one].dtype != "time"])
def test_batches_are_read_as_the_table_says(name: str, tmp_path: Path) -> None:
    for form, cell, about in cells(name):
        path = about.write(tmp_path, form)
        check(lambda p=path, f=form, a=about: in_batches(p, a, f), cell, path, about)


@pytest.mark.parametrize("name", [one for one in PROPERTIES if PROPERTIES[one].options])
def test_an_option_that_a_format_has_no_use_for_is_an_error(name: str) -> None:
    about = PROPERTIES[name]
    for form in set(FORMATS) - set(about.contents):
        with pytest.raises(ValueError, match="must be left out"):
            FormatOptions(form, **about.options)
