"""What a row of a configuration's data must be."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.raw_features import raw_features
from pipelines.preparation.feature_spec import Feature
from pipelines.readers.bad_rows import LABEL_FIX, InvalidRow
from pipelines.readers.values import typed_value, unknown_word


class RowRules:
    """Types, required values and ranges of the rows that a configuration describes.

    Args:
        configuration: Its sections `data`, `columns`, `task` and `evaluation`.

    Attributes:
        dtypes: What must be in each row -> its type.
        extras: Names that no column reads but that are kept: group, slices, user and item.

    Raises:
        ValueError: If a column reads the label.
    """

    TIME = "time of the row"

    def __init__(self, configuration: Configuration) -> None:
        data, evaluation = configuration.data, configuration.evaluation
        self._data, self._task = data, configuration.task
        self._features = raw_features(configuration)
        if data.label in self._features:
            raise ValueError(
                f"`data.label` must not be read by a column. Received: data.label={data.label!r}. "
                "A model that sees its label learns nothing; drop the column."
            )
        self.dtypes: dict[str, Any] = {name: one.dtype for name, one in self._features.items()}
        self.dtypes[data.label] = "string" if data.label_values else "float32"
        if data.weight is not None:
            self.dtypes.setdefault(data.weight, "float32")
        self._time: str | None = None
        if data.split is not None and data.split.by in ("time", "group"):
            self._time = data.split.column
        wanted = (data.group, *evaluation.slices, evaluation.user, evaluation.item)
        self.extras = [
            name for name in dict.fromkeys(wanted) if name is not None and name not in self.dtypes
        ]
        self._identities = {data.group, evaluation.user, evaluation.item}

    @property
    def read_dtypes(self) -> dict[str, str]:
        """What files are read for: `dtypes`, with the time as exact as it stands there."""
        if self._time is None or self.dtypes.get(self._time) == "string":
            return self.dtypes
        return {**self.dtypes, self._time: "time"}

    def checked(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Returns a row with its values as they are written.

        Args:
            row: Feature -> value, of any type.

        Returns:
            Fixed features as one value or None, all others as a list; label, weight and extras;
            and as `TIME` the time that rows are split by.

        Raises:
            ValueError: If a value breaks a rule, in the form that `BadRows.add` takes.
        """
        found: dict[str, Any] = {}
        for name, dtype in self.dtypes.items():
            found[name] = typed_value(name, row.get(name), dtype)
        for name, feature in self._features.items():
            found[name] = _shaped(name, found[name], feature.shape, feature.default)
        for name in self.extras:
            found[name] = _extra(name, row.get(name), is_identity=name in self._identities)
        if self._time is not None:
            found[self.TIME] = _time(self._time, row.get(self._time))
        data = self._data
        if data.label_values and found[data.label] is not None:
            word = found[data.label]
            if word not in data.label_values:
                raise unknown_word(data.label, str(word), data.label_values)
            found[data.label] = data.label_values[word]
        if data.weight is None or found[data.weight] != 0:
            found[data.label] = self._label(found[data.label])
        elif found[data.label] is None:  # it weighs nothing, and need not be known
            found[data.label] = float("nan")
        if data.weight is not None and not _is_number(found[data.weight], 0.0):
            weight = found[data.weight]
            raise ValueError(
                f"`{data.weight}` must be a number from 0. Received: {data.weight}={weight!r}"
            )
        return found

    def features(self, defaults: Mapping[str, Any], extras: Mapping[str, Any]) -> list[Feature]:
        """Describes what is written.

        Args:
            defaults: Feature -> its fitted default.
            extras: Extra name -> one of its values, which tells the type.

        Returns:
            The features, the label, the weight and the extras.
        """
        made = []
        for name, one in self._features.items():
            fixed = one.shape == (1,)
            default = defaults.get(name, one.default) if fixed else None
            kind = "fixed" if fixed else "variable"
            made.append(Feature(name, one.dtype, kind, "a feature of the model", default))
        data = self._data
        made.append(Feature(data.label, "float32", "fixed", "what is predicted"))
        if data.weight is not None and data.weight not in self._features:
            made.append(Feature(data.weight, "float32", "fixed", "the weight in the loss"))
        for name, value in extras.items():
            kind = "variable" if isinstance(value, list) else "fixed"
            one_value = value[0] if isinstance(value, list) else value
            dtype = {int: "int64", float: "float32"}.get(type(one_value), "string")
            made.append(Feature(name, dtype, kind, "for metrics, not for the model"))
        return made

    def _label(self, value: Any) -> float:
        name, task = self._data.label, self._task
        if not _is_number(value):
            raise ValueError(f"`{name}` must be a number. Received: {name}={value!r}")
        if self._data.positive_from is not None:
            return float(value >= self._data.positive_from)
        low, high = float("-inf"), float("inf")
        if task.loss == "binary_crossentropy":
            low, high = 0.0, 1.0
        elif task.loss == "clipped_squared_error":
            low, high = task.low or 0.0, task.high or 0.0
        elif task.loss != "mean_squared_error":
            low = 0.0
        if not low <= value <= high:
            problem = (
                f"`{name}` must be in [{low:g}, {high:g}] for loss={task.loss}. "
                f"Received: {name}={value!r}"
            )
            if task.loss == "clipped_squared_error":
                fix = "Set task.low and task.high to the bounds of the labels."
                raise InvalidRow(problem, fix, at_fault=True)
            raise InvalidRow(problem, LABEL_FIX)
        return float(value)


def _is_number(value: Any, least: float = float("-inf")) -> bool:
    return isinstance(value, int | float) and value >= least


def _extra(name: str, value: Any, *, is_identity: bool) -> Any:
    """Gives what only metrics read one of the types that are written; ids are never rounded."""
    one = value[0] if isinstance(value, list) and value else value
    if isinstance(one, str | bytes):
        return typed_value(name, value, "string")
    if isinstance(one, int) or (is_identity and isinstance(one, float | Decimal)):
        return typed_value(name, value, "int64")
    return typed_value(name, value, "float32") if isinstance(one, float | Decimal) else value


def _time(name: str, value: Any) -> Any:
    values = value if isinstance(value, list) else [value]
    found = typed_value(name, values[0], "time") if len(values) == 1 else None
    if found is None:
        raise ValueError(
            f"`{name}` must have one time in each row to split by it. Received: {name}={value!r}"
        )
    return found


def _shaped(name: str, value: Any, shape: tuple[int, ...] | None, default: Any) -> Any:
    values = value if isinstance(value, list) else [] if value is None else [value]
    if shape is None:
        return values
    size = 1
    for length in shape:
        size *= length
    if not values and default is not None:
        return None if shape == (1,) else []
    if len(values) != size:
        what = "a value" if size == 1 else f"{size} values"
        fix = ", as its column has no default_value" if not values else ""
        raise ValueError(f"`{name}` must have {what}{fix}. Received: {name}={value!r}")
    return values[0] if shape == (1,) else values
