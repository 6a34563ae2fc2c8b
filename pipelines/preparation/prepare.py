"""Rows of any origin to training, validation and test examples."""

import itertools
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration, Data
from pipelines.configuration.raw_features import raw_features
from pipelines.files.atomic import atomic_folder, content_hash
from pipelines.fitting.fit import ColumnFits, Fitted
from pipelines.fitting.fit_columns import fit_columns
from pipelines.preparation.example_writer import PartWriters
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.preparation.row_rules import RowRules
from pipelines.preparation.splitting import PARTS, assign_splits
from pipelines.progress import progress
from pipelines.readers.bad_rows import BadRows
from pipelines.readers.files import find_files
from pipelines.readers.formats import format_options
from pipelines.readers.read_rows import count_rows, read_rows
from pipelines.sources.source import Source, find_source

_UNITS = {"parquet": "record", "tfrecord": "record", "sequence_example": "record", "elwc": "row"}


class Origin:
    """Rows per split, checked, as often as they are asked for.

    Args:
        configuration: Its section `data` says where they are.
        rules: What a row must be.
        source: What reads the raw data set, in place of the one that `data.source` names.

    Attributes:
        parts: The names of the splits that the data comes in.
        files: Split -> the raw files; of a source "train" -> all of its files.
        bad_rows: What became of bad rows.

    Raises:
        ValueError: If there are no such files, or no such source.
    """

    def __init__(
        self, configuration: Configuration, rules: RowRules, source: Source | None = None
    ) -> None:
        data = configuration.data
        self._data, self._rules = data, rules
        self.bad_rows = BadRows(data.on_bad_row, most=data.max_bad_rows)
        self.files: dict[str, list[Path]] = {}
        if data.source is not None:
            path = None if data.path is None else Path(data.path)
            read = source or find_source(data.source)
            self._rows: Any = read(path, data.settings)
            if path is not None:
                self.files["train"] = sorted(
                    one for one in (path.rglob("*") if path.is_dir() else [path]) if one.is_file()
                )
            self.parts = tuple(self._rows)
        else:
            named = {"train": data.train, "validation": data.validation, "test": data.test}
            for part, patterns in named.items():
                if patterns:
                    self.files[part] = find_files(patterns, f"data.{part}")
            self.parts = tuple(self.files)

    def count(self) -> int | None:
        """Returns how many rows there are, about: see `count_rows`. None of a source."""
        if self._data.source is not None:
            return None
        form = format_options(self._data, str(self._data.format))
        return sum(count_rows(files, form) for files in self.files.values())

    def rows(self, part: str) -> Iterator[dict[str, Any]]:
        """Yields the good rows of a split, in one order each time.

        Args:
            part: One of `parts`.

        Raises:
            ValueError: If a row is bad and that is an error; its file and line are named.
        """
        unit = _UNITS.get(str(self._data.format), "line")
        for raw, path, number in self._raw(part):
            try:
                row = self._rules.checked(raw)
            except ValueError as error:
                self.bad_rows.add(path, number, error, unit)
                continue
            split = self._data.split
            if split is not None and split.by == "column":
                row.setdefault(str(split.column), raw.get(str(split.column)))
            yield row

    def _raw(self, part: str) -> Iterator[tuple[dict[str, Any], Path, int]]:
        if self._data.source is not None:
            place = Path(f"{self._data.source} ({part})")
            for number, row in enumerate(self._rows[part], start=1):
                yield row, place, number
            return
        rules, data = self._rules, self._data
        dtypes = {
            **rules.read_dtypes,
            **dict.fromkeys([name for name in rules.extras if data.format == "csv"], "string"),
        }
        if data.split is not None and data.split.by == "column":
            dtypes.setdefault(str(data.split.column), "string")
        yield from read_rows(
            self.files[part],
            format_options(data, str(data.format)),
            dtypes,
            self.bad_rows,
        )


# Keys that came after format 1: left out, they ask for what was prepared before them.
_LATER = {
    "label_values",
    "pairs",
    "quoting",
    "comment",
    "decimal",
    "max_cell_size",
    "encoding",
}
_FORMAT = 1  # count up when the same configuration would give other examples
_NOT_CONTENT = {
    "prepared",
    "path",
    "train",
    "validation",
    "test",
    "batch_size",
    "shuffle_buffer",
    "max_bad_rows",
    "max_line_size",
}


def prepare(
    configuration: Configuration,
    out: Path,
    *,
    replace: bool = True,
    source: Source | None = None,
) -> FeatureSpec:
    """Writes a folder of prepared examples, or finds that it is there already.

    Rows are checked and assigned to splits, what the columns leave open is fitted on the training
    split and on nothing else, and each split is written as TFRecord of `tf.Example`, beside
    `feature_spec.json`. Raw data is gone through a few times and never held in memory.

    Args:
        configuration: Its sections `data`, `columns`, `task` and `evaluation`.
        out: The folder. It appears whole or not at all. Examples of other raw files or settings
            that lie there are replaced.
        replace: Whether that may be. Not where a model was trained on them.
        source: A reader of a raw data set of your own; `data.source` is then the name under which
            it is recorded, and `data.path` and `data.settings` are handed to it.

    Returns:
        The description of the examples, what was fitted included.

    Warns:
        UserWarning: If bad rows were skipped; it counts them and names the first.

    Raises:
        ValueError: If `out` is another folder, a row is invalid (file and line are named), or more
            are skipped than `data.max_bad_rows`.
        OSError: If the disk is full.
    """
    if configuration.data.prepared is not None:
        raise ValueError(
            "`data.prepared` must be left out where examples are to be prepared. Received: "
            f"data.prepared={configuration.data.prepared!r}. Train on that folder as it is, or "
            "name the raw files."
        )
    rules = RowRules(configuration)
    if source is not None and configuration.data.source is None:
        raise ValueError(
            "`data.source` must be given with a source of your own. Received: data.source=None. "
            "Give it a name."
        )
    origin = Origin(configuration, rules, source)
    key = _key(configuration, origin)
    if out.exists():
        if out.is_dir() and not any(out.iterdir()):
            out.rmdir()
        elif FeatureSpec.read(out).key == key:
            return FeatureSpec.read(out)
        elif not replace:
            raise ValueError(
                f"`--out` must not hold another run. Received: --out {out.parent}, which was "
                "begun on examples of other files or settings than these. Take another folder."
            )
    # To say how long it will take, where somebody sees it.
    total = origin.count() if sys.stderr.isatty() else None
    kept: dict[str, Any] = {}
    rows = progress(_dealt(configuration, origin), "Reading the training split", total)
    training = _training(rows, rules, kept)
    fitted = fit_columns(configuration, training)
    for _ in training:  # where nothing is fitted, nothing was read
        if len(kept) == len(rules.extras):
            break
    features = {one.name: one for one in rules.features(_defaults(configuration, fitted), kept)}
    data = configuration.data
    parts = origin.parts if data.split is None else _split_parts(configuration)
    with (
        atomic_folder(out) as folder,
        PartWriters.open(features, data.label, parts, data.shards, folder) as writers,
    ):
        for part, row in progress(_dealt(configuration, origin), "Writing examples", total):
            writers.write(part, row)
        origin.bad_rows.require_few(writers.count)
        spec = FeatureSpec(
            data.source or str(data.format),
            key,
            _settings(configuration),
            data.label,
            data.group,
            features,
            writers.counted(),
            fitted.values,
            data.weight,
        )
        spec.write(folder)
    if origin.bad_rows.count:
        warnings.warn(origin.bad_rows.report(), stacklevel=2)
    return spec


def _dealt(configuration: Configuration, origin: Origin) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row with its split."""
    split, group = configuration.data.split, configuration.data.group
    if split is None:
        for part in origin.parts:
            for row in origin.rows(part):
                yield part, row
    elif origin.parts != ("train",):
        raise ValueError(
            "`data.split` must be left out where the source has splits. "
            f"Received: the splits {', '.join(origin.parts)}. Drop it."
        )
    else:
        if split.by in ("random", "column"):  # row by row, so that one reading does for both
            first, second = itertools.tee(origin.rows("train"))
        else:
            first, second = _timed(origin.rows("train"), split.column), origin.rows("train")
        yield from zip(assign_splits(first, split, group), second, strict=True)


def _timed(rows: Iterator[dict[str, Any]], column: str | None) -> Iterator[dict[str, Any]]:
    """The rows with their exact time, where a feature of that name would be rounded."""
    for row in rows:
        yield row if column is None else {**row, column: row[RowRules.TIME]}


def _training(
    rows: Iterator[tuple[str, dict[str, Any]]], rules: RowRules, kept: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """The rows to fit on; on the way a value of each extra is kept, to tell its type."""
    for part, row in rows:
        for name in rules.extras:
            if name not in kept and row[name] not in (None, []):
                kept[name] = row[name]
        if part == "train":
            yield row
    for name in rules.extras:
        if name not in kept:
            raise ValueError(
                f"`{name}` must be in the rows. Received: rows without it. Check data.group and "
                "the features that evaluation names."
            )


def _split_parts(configuration: Configuration) -> tuple[str, ...]:
    split = configuration.data.split
    if split is None or split.by in ("group", "column"):
        return PARTS
    return tuple(part for part, share in zip(PARTS, split.fractions, strict=True) if share)


def _defaults(configuration: Configuration, fitted: Fitted) -> dict[str, Any]:
    fits = ColumnFits(configuration.columns)
    found = {}
    for column in configuration.columns:
        fit = fits.default(column)
        if fit is not None:
            found[str(column.key)] = fitted.of(fit)
    return found


def _settings(configuration: Configuration) -> dict[str, Any]:
    """What decides the examples besides the raw files."""
    fits = dict.fromkeys(fit.name for fit in ColumnFits(configuration.columns))
    evaluation, task, data = configuration.evaluation, configuration.task, configuration.data
    unused = {name for name in _LATER if getattr(data, name) == _default(data, name)}
    return {
        "format": _FORMAT,
        "data": data.model_dump(mode="json", exclude=_NOT_CONTENT | unused),
        "features": [feature.declared for feature in raw_features(configuration).values()],
        "fits": list(fits),
        "labels": [task.loss, task.low, task.high],
        "kept": [*evaluation.slices, evaluation.user, evaluation.item],
    }


def _default(data: Data, name: str) -> Any:
    return type(data).model_fields[name].get_default(call_default_factory=True)


def _key(configuration: Configuration, origin: Origin) -> str:
    files = [path for part in origin.files.values() for path in part]
    counts = {part: len(paths) for part, paths in origin.files.items()}
    return content_hash(files, {**_settings(configuration), "files": counts})
