"""The text formats of libsvm, libFM and libffm."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.readers.csv_format import weights_of
from pipelines.readers.formats import Arrays, FormatOptions
from pipelines.readers.text_files import open_text
from pipelines.readers.values import Wanted, plain_value, quick_column, typed_value


class LibsvmFormat:
    """`label id:value id:value ...` (libsvm, libFM) and `label field:id:value ...` (libffm).

    A row is `{"label": 1.0, "feature_ids": [...], "feature_vals": [...]}`, for libffm with
    `feature_fields` as well: one weighted column with several values. Where the options name the
    fields, each is a feature of its own, `{"label": 1.0, "user": 3, "user_vals": 1.0, ...}`:
    a weighted column for each. An id without a value has the value 1. `qid:n` after the label of
    libsvm is the feature `qid`; what follows `#` is a comment.

    Args:
        options: The format, names of the fields, number of pairs and base of the ids.
    """

    unit = "line"
    names: tuple[str, ...] | None = None

    def __init__(self, options: FormatOptions) -> None:
        self._options = options
        self._fields = options.format == "libffm"
        self._names = options.names
        self._base = options.index_base
        self._num_pairs = options.num_fields
        if not self._fields and options.names is not None:
            self._num_pairs = self._num_pairs or len(options.names)
            if self._num_pairs != len(options.names):
                raise ValueError(
                    "`num_fields` must be the number of `names`. Received: "
                    f"num_fields={options.num_fields} and {len(options.names)} names."
                )

    def records(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yields each line that is neither blank nor a comment."""
        empty = True
        with open_text(path, self._options) as file:
            for number, line in enumerate(file, start=1):
                # Nearly every line begins with its label; only the others are worth a strip.
                if line[0] > 35 or line.lstrip()[:1] not in (b"", b"#"):
                    empty = False
                    yield number, line
        if empty:
            raise ValueError(f"`{path}` must hold rows. Received: none. Make it again.")

    def arrays(self, records: Sequence[Any], wanted: Sequence[Wanted]) -> Arrays | None:
        """Splits all lines, then converts all numbers of a kind at once."""
        lines = [line.split() for line in records]
        queries = [] if self._fields else [line.pop(1) for line in lines if _has_query(line)]
        if queries and len(queries) != len(lines):
            return None
        pairs = [pair for line in lines for pair in line[1:]]
        counts = np.array([len(line) - 1 for line in lines], np.int64)
        width = 3 if self._fields else 2
        # One byte that is no part of a number, as of a comment, and all is read by row.
        colons = {pair.count(b":") for pair in pairs}
        if colons != {width - 1}:
            if not colons <= {width - 1, width - 2}:
                return None
            pairs = [p if p.count(b":") == width - 1 else p + b":1" for p in pairs]
        if self._num_pairs is not None and (counts != self._num_pairs).any():
            return None
        try:
            parts = b":".join(pairs).decode("ascii").split(":") if pairs else []
            labels = [line[0].decode("ascii") for line in lines]
            numbers = [query[4:].decode("ascii") for query in queries]
        except UnicodeDecodeError:
            return None
        label = quick_column(labels, "float32", decimal=".")
        ids = quick_column(parts[width - 2 :: width], "int64", decimal=".")
        values = quick_column(parts[width - 1 :: width], "float32", decimal=".")
        fields = quick_column(parts[::3] if self._fields else [], "int64", decimal=".")
        qid = quick_column(numbers, "int64", decimal=".")
        if label is None or ids is None or values is None or fields is None or qid is None:
            return None
        if len(ids) and ids.min() < self._base:
            return None
        found = {"label": (label, np.ones_like(counts))}
        if queries:
            found["qid"] = (qid, np.ones_like(counts))
        if self._names is None:
            found |= {"feature_ids": (ids - self._base, counts), "feature_vals": (values, counts)}
            found |= {"feature_fields": (fields, counts)} if self._fields else {}
        else:
            field = fields if self._fields else np.tile(np.arange(len(self._names)), len(lines))
            if len(field) and not 0 <= field.min() <= field.max() < len(self._names):
                return None
            line_of = np.repeat(np.arange(len(lines)), counts)
            for number, name in enumerate(self._names):
                its = field == number
                lengths = np.bincount(line_of[its], minlength=len(lines))
                found[name] = (ids[its] - self._base, lengths)
                found[weights_of(name)] = (values[its], lengths)
        return _as_wanted(found, wanted)

    def row(self, record: bytes) -> dict[str, Any]:
        """Reads one line."""
        text = record.split(b"#", 1)[0].decode("utf-8", errors="backslashreplace")
        label, *pairs = text.split()
        row: dict[str, Any] = {"label": typed_value("label", label, "float32", decimal=".")}
        if not self._fields and pairs and pairs[0].startswith("qid:"):
            row["qid"] = typed_value("qid", pairs.pop(0)[4:], "int64", decimal=".")
        if self._num_pairs is not None and len(pairs) != self._num_pairs:
            raise ValueError(
                f"A line must have {self._num_pairs} pairs. Received: {len(pairs)} pairs"
            )
        fields, ids, values = self._numbers(pairs)
        if self._names is not None:
            return row | self._named(self._names, fields, ids, values)
        row |= {"feature_ids": ids, "feature_vals": values}
        return row | {"feature_fields": fields} if self._fields else row

    def _numbers(self, pairs: list[str]) -> tuple[list[int], list[int], list[float]]:
        width = 3 if self._fields else 2
        parts = [pair.split(":") for pair in pairs]
        parts = [[*part, "1"] if len(part) == width - 1 else part for part in parts]
        for pair, numbers in zip(pairs, parts, strict=True):
            if len(numbers) != width:
                form = "field:id:value" if self._fields else "id:value"
                raise ValueError(f"A pair must be {form}. Received: '{pair}'")
        texts = [*zip(*parts, strict=True)] or [()] * width
        ids = typed_value("id", list(texts[-2]), "int64", decimal=".")
        if ids and min(ids) < self._base:
            raise ValueError(f"`id` must be at least {self._base}. Received: id={min(ids)}")
        values = typed_value("value", list(texts[-1]), "float32", decimal=".")
        if not self._fields:
            return list(range(len(ids))), [one - self._base for one in ids], values
        fields = typed_value("field", list(texts[0]), "int64", decimal=".")
        return fields, [one - self._base for one in ids], values

    @staticmethod
    def _named(
        names: tuple[str, ...], fields: list[int], ids: list[int], values: list[float]
    ) -> dict[str, Any]:
        lists: list[tuple[list[int], list[float]]] = [([], []) for _ in names]
        for field, one, value in zip(fields, ids, values, strict=True):
            if not 0 <= field < len(names):
                raise ValueError(
                    f"`field` must be in [0, {len(names)}), as there are {len(names)} names. "
                    f"Received: field={field}"
                )
            lists[field][0].append(one)
            lists[field][1].append(value)
        row: dict[str, Any] = {}
        for name, (its_ids, its_values) in zip(names, lists, strict=True):
            row[name] = plain_value(its_ids)
            row[weights_of(name)] = plain_value(its_values)
        return row


def _has_query(line: list[bytes]) -> bool:
    return len(line) > 1 and line[1].startswith(b"qid:")


def _as_wanted(
    found: dict[str, tuple[NDArray[Any], NDArray[Any]]], wanted: Sequence[Wanted]
) -> Arrays | None:
    arrays: Arrays = {}
    for one in wanted:
        values, lengths = found.get(one.name, (np.empty(0), np.empty(0)))
        if values.dtype != one.dtype:
            return None
        arrays[one.key] = (values, lengths)
    return arrays
