"""Anybody's rows to training, validation and test examples."""

import itertools
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.configuration.configuration import Configuration
from pipelines.configuration.raw_features import raw_features
from pipelines.files.atomic_folder import atomic_folder
from pipelines.files.content_hash import content_hash
from pipelines.modelling.column_fits import ColumnFits
from pipelines.modelling.fit_columns import fit_columns
from pipelines.modelling.fitted import Fitted
from pipelines.preparation.deal_rows import PARTS, deal_rows
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.preparation.origin import Origin
from pipelines.preparation.part_writers import PartWriters
from pipelines.preparation.row_rules import RowRules
from pipelines.progress import progress

_FORMAT = 1  # count up when the same configuration would give other examples
_NOT_CONTENT = {"path", "train", "validation", "test", "batch_size", "shuffle_buffer"}


def prepare(configuration: Configuration, out: Path, *, replace: bool = True) -> FeatureSpec:
    """Writes a folder of prepared examples, or finds that it is there already.

    Rows are checked, dealt out to the parts, what the columns leave open is fitted on the training
    part and on nothing else, and each part is written as TFRecord of `tf.Example`, beside
    `feature_spec.json`. Raw data is gone through a few times and never held in memory.

    Args:
        configuration: Its sections `data`, `columns`, `task` and `evaluation`.
        out: The folder. It appears whole or not at all. Examples of other raw files or settings
            that lie there are replaced.
        replace: Whether that may be. Not where a model was trained on them.

    Returns:
        The description of the examples, what was fitted included.

    Warns:
        UserWarning: If bad rows were skipped; it counts them and names the first.

    Raises:
        ValueError: If `out` is another folder, or data is not as it must be; file and line are
            named.
        OSError: If the disk is full.
    """
    rules = RowRules(configuration)
    origin = Origin(configuration, rules)
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
    rows = progress(_dealt(configuration, origin), "Reading the training part", total)
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
    """Every row with its part."""
    split, group = configuration.data.split, configuration.data.group
    if split is None:
        for part in origin.parts:
            for row in origin.rows(part):
                yield part, row
    elif origin.parts != ("train",):
        raise ValueError(
            "`data.split` must be left out where the source has parts. "
            f"Received: the parts {', '.join(origin.parts)}. Drop it."
        )
    else:
        if split.by in ("random", "column"):  # row by row, so that one reading does for both
            first, second = itertools.tee(origin.rows("train"))
        else:
            first, second = origin.rows("train"), origin.rows("train")
        yield from zip(deal_rows(first, split, group), second, strict=True)


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
    evaluation, task = configuration.evaluation, configuration.task
    return {
        "format": _FORMAT,
        "data": configuration.data.model_dump(mode="json", exclude=_NOT_CONTENT),
        "features": [str(feature) for feature in raw_features(configuration).values()],
        "fits": list(fits),
        "labels": [task.loss, task.low, task.high],
        "kept": [*evaluation.slices, evaluation.user, evaluation.item],
    }


def _key(configuration: Configuration, origin: Origin) -> str:
    files = [path for part in origin.files.values() for path in part]
    counts = {part: len(paths) for part, paths in origin.files.items()}
    return content_hash(files, {**_settings(configuration), "files": counts})
