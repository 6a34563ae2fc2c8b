"""Data frames of pandas, polars and others, as features and as tables of results."""

import html
import inspect
import itertools
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from tfrs_afm.columns.parsing import parse_spec
from tfrs_afm.types import Column, DType, Feature, Tensor


def is_frame(value: Any) -> bool:
    """Whether a value is a data frame: it has named columns of one length, and is no mapping."""
    return hasattr(value, "columns") and hasattr(value, "shape") and not isinstance(value, Mapping)


def frame_features(frame: Any, columns: Sequence[Column]) -> dict[str, Feature]:
    """Turns a data frame into the features that feature columns read.

    The models' `fit`, `evaluate` and `predict`, `explain` and `explain_dataset` take frames by
    themselves; this is for models of your own. Columns of the frame that no feature column reads
    are left out, the label's among them.

    A cell holds one value or a list, which may be a tuple or an array. A missing cell (None, NaN,
    NA) is a missing number, an id or text that is not there (-1 or ""), or an empty list; in a list
    a missing number keeps its place, and a missing id or text is left out. Whole numbers that came
    as floats, as pandas makes them beside holes, are ids; categories are what they stand for.

    Args:
        frame: A data frame of pandas, polars, PyArrow or whatever else narwhals knows, in memory.
        columns: Feature columns, as for `FieldEmbedding`.

    Returns:
        A dict from the names of features to tensors: `(rows, *shape)` for numbers with a shape,
        `(rows,)` for ids and text, and ragged `(rows, None)` for lists.

    Raises:
        ImportError: If narwhals is not installed, the extra `frames`.
        KeyError: If the frame lacks a feature.
        TypeError: If a feature has cells of another type than its columns read.
        ValueError: If a cell has another number of values than its columns read, or lacks a whole
            number that has no default.

    Example:
        >>> import pandas as pd, tensorflow as tf, tfrs_afm
        >>> fc = tf.feature_column
        >>> tags = fc.categorical_column_with_vocabulary_list("tags", ["old", "new"])
        >>> frame = pd.DataFrame({"tags": [["new", "old"], None, ["old"]]})
        >>> features = tfrs_afm.frame_features(frame, [fc.embedding_column(tags, 4)])
        >>> features["tags"].row_lengths().numpy().tolist()
        [2, 0, 1]
    """
    table = _narwhals().from_native(frame, eager_only=True)
    spec = parse_spec(columns)
    for name in spec:
        if name not in table.columns:
            raise KeyError(
                f"`frame` must have a column for each feature. Received: no '{name}' among "
                f"{table.columns}. Name it as its feature column's key."
            )
    return {name: _feature(table[name], one) for name, one in spec.items()}


def keras_arguments(
    call: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    columns: Sequence[Column],
    beside: Sequence[str],
) -> dict[str, Any]:
    """The arguments of a model's `fit`, `evaluate` or `predict`, with arrays in place of frames.

    Args:
        call: The method.
        args: Its positional arguments.
        kwargs: Its named arguments.
        columns: The feature columns of the model.
        beside: Features that no column reads but metrics do.

    Raises:
        KeyError: If the frame has no column of a name.
        ValueError: If the share for validation is out of range.
    """
    given: dict[str, Any] = dict(inspect.signature(call).bind(*args, **kwargs).arguments)
    given |= given.pop("kwargs", {})
    if is_frame(given.get("x")):
        names = ("x", "y", "sample_weight")
        data = _arrays(tuple(given.get(name) for name in names), names, columns, beside)
        share = given.pop("validation_split", 0.0)
        if share:
            if given.get("validation_data") is not None or not 0 < share < 1:
                raise ValueError(
                    "`validation_split` must be between 0 and 1, without `validation_data`. "
                    f"Received: validation_split={share}. Leave one of them out."
                )
            rows = len(data[0][next(iter(data[0]))])
            # As Keras does with arrays: the last rows, before any shuffling.
            first = int(rows * (1.0 - share))
            given["validation_data"] = _rows(data, slice(first, None))
            data = _rows(data, slice(first))
        given.update({name: one for name, one in zip(names, data, strict=True) if one is not None})
    validation = given.get("validation_data")
    if isinstance(validation, list | tuple) and validation and is_frame(validation[0]):
        names = ("validation_data", "validation_data", "validation_data")
        given["validation_data"] = _arrays(tuple(validation), names, columns, beside)
    return given


def _rows(data: Any, rows: slice) -> Any:
    return tf.nest.map_structure(lambda one: None if one is None else one[rows], data)


def _arrays(
    data: tuple[Any, ...], names: Sequence[str], columns: Sequence[Column], beside: Sequence[str]
) -> tuple[Any, ...]:
    """Features, labels and weights; those that are names are columns of the frame."""
    frame, *others = data
    features = frame_features(frame, columns)
    features |= {name: tf.constant(_column(frame, name, "x")) for name in beside}

    def array(value: Any, argument: str) -> Any:
        if isinstance(value, Mapping):
            return {name: array(one, argument) for name, one in value.items()}
        if isinstance(value, str):
            return _column(frame, value, argument)
        return None if value is None else np.asarray(value)

    return features, *(array(one, name) for one, name in zip(others, names[1:], strict=False))


def _column(frame: Any, name: str, argument: str) -> Any:
    table = _narwhals().from_native(frame, eager_only=True)
    if name not in table.columns:
        raise KeyError(
            f"`{argument}` must name a column of the frame. Received: {argument}={name!r} and "
            f"columns {table.columns}. Choose one of them."
        )
    return table[name].to_numpy()


class Tabular:
    """What can be made a data frame, and is a table in a notebook; abstract."""

    def _table(self) -> dict[str, Any]:
        """Its named columns."""
        raise NotImplementedError

    def to_frame(self, backend: str = "pandas") -> Any:
        """Returns a data frame; needs the extra `frames`, and the library of the frame.

        Args:
            backend: "pandas", "polars" or "pyarrow".
        """
        return _narwhals().from_dict(self._table(), backend=backend).to_native()

    def _repr_html_(self) -> str:
        """What notebooks show."""
        table = self._table()
        head = "".join(f"<th>{html.escape(name)}</th>" for name in table)
        rows = list(zip(*table.values(), strict=True))
        cells = ("".join(f"<td>{html.escape(_text(value))}</td>" for value in row) for row in rows)
        body = "".join(f"<tr>{row}</tr>" for row in itertools.islice(cells, _SHOWN))
        more = f"<p>{len(rows) - _SHOWN:,} more rows: to_frame()</p>" if len(rows) > _SHOWN else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


_SHOWN = 50


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if is_count else "" if value is None else str(value)


def _narwhals() -> Any:
    try:
        import narwhals
    except ImportError as error:
        raise ImportError(
            "Data frames must have narwhals. Received: no such package. Install the extra: "
            "pip install 'tfrs-afm[frames]'."
        ) from error
    return narwhals


def _feature(series: Any, spec: Any) -> Feature:
    """One column, as the spec of its feature wants it."""
    name, dtype = series.name, spec.dtype
    listed = isinstance(spec, tf.io.VarLenFeature)
    shape = [] if listed else list(spec.shape)
    if math.prod(shape) == 1 and _is_plain(series, dtype):
        return tf.cast(tf.reshape(series.to_numpy(), [-1, *shape]), dtype)
    cells = series.to_list()
    if not listed:
        return tf.reshape(_tensor(name, *_elements(name, cells, spec), dtype), [-1, *shape])
    if not any(map(_is_list, cells)):
        return _tensor(name, cells, np.arange(len(cells)), dtype)
    lists = [_members(cell, dtype) for cell in cells]
    lengths = np.array([len(one) for one in lists], np.int64)
    values = [value for one in lists for value in one]
    flat = _tensor(name, values, np.repeat(np.arange(len(lists)), lengths), dtype)
    return tf.RaggedTensor.from_row_lengths(flat, lengths)


def _is_plain(series: Any, dtype: DType) -> bool:
    """Whether the numbers of a column can be cast as they are."""
    kind = series.dtype
    fits = kind.is_float() if dtype.is_floating else dtype.is_integer and kind.is_signed_integer()
    return bool(fits) and not series.null_count()


def _is_list(cell: Any) -> bool:
    return isinstance(cell, list | tuple | np.ndarray)


def _is_missing(value: Any) -> bool:
    # NaN differs from itself; pandas' NA is not even different from anything.
    if value is None or isinstance(value, str | bytes) or _is_list(value):
        return value is None
    equal = value == value
    return not (isinstance(equal, bool | np.bool_) and equal)


def _members(cell: Any, dtype: DType) -> list[Any]:
    """The members in a cell of a column of lists; one that is no list is its only member.

    A missing number keeps its place, which may be that of an id.
    """
    if not _is_list(cell):
        cell = [] if _is_missing(cell) else [cell]
    return [value for value in cell if dtype.is_floating or not _is_missing(value)]


def _elements(name: str, cells: Sequence[Any], spec: Any) -> tuple[list[Any], np.ndarray]:
    """The numbers in the cells of a column with a shape, and the row of each.

    A cell may be nested or not; one that is missing lacks each of its numbers.
    """
    size = math.prod(spec.shape)
    lists: list[list[Any]] = []
    for row, cell in enumerate(cells):
        one = [cell] * size if _is_missing(cell) else list(np.ravel(np.array(cell, object)))
        if len(one) != size:
            raise ValueError(
                f"`frame` must have {size} values in each cell of '{name}'. Received: "
                f"{len(one)} in row {row}. Give the feature column the shape of the cells."
            )
        if spec.dtype.is_integer and any(map(_is_missing, one)):
            if spec.default_value is None:
                raise ValueError(
                    f"`frame` must have whole numbers in '{name}', whose feature column has no "
                    f"default. Received: none in row {row}. Give the column a default_value."
                )
            pairs = zip(one, spec.default_value, strict=True)
            one = [default if _is_missing(value) else value for value, default in pairs]
        lists.append(one)
    return [value for one in lists for value in one], np.repeat(np.arange(len(lists)), size)


def _tensor(name: str, values: Sequence[Any], rows: np.ndarray, dtype: DType) -> Tensor:
    """Values of one type, with what stands for those that are missing."""
    kind = "text" if dtype == tf.string else "numbers" if dtype.is_floating else "whole numbers"
    missing = {"text": "", "numbers": math.nan, "whole numbers": -1}[kind]
    there: list[Any] = [missing if _is_missing(value) else value for value in values]
    for place, value in enumerate(there):
        if not _FITS[kind](value):
            raise TypeError(
                f"`frame` must have {kind} in '{name}', as its feature column reads {dtype.name}. "
                f"Received: {value!r} in row {int(rows[place])}. Convert the column of the frame, "
                "or declare the feature column with its dtype."
            )
    if kind == "text":
        return tf.constant(there, tf.string, [len(there)])
    whole = [int(value) for value in there] if kind == "whole numbers" else there
    return tf.constant(np.array(whole, dtype.as_numpy_dtype))


def _is_whole(value: Any) -> bool:
    return _is_number(value) and -(2**63) <= value < 2**63 and bool(value == int(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Number | np.bool_) and not isinstance(value, complex)


_FITS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str | bytes),
    "numbers": _is_number,
    "whole numbers": _is_whole,
}
