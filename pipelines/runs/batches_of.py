"""The batches of a prepared split, or of files of any format."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tfrs_afm
from pipelines.configuration.configuration import Configuration, Data
from pipelines.preparation.feature_spec import FeatureSpec, parse_spec
from pipelines.readers.bad_rows import BadRows
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.files import find_files
from pipelines.readers.formats import FormatOptions, format_options


class BatchesOf:
    """Makes batches for a model of a configuration.

    Args:
        configuration: Its section `data` gives label, weight and batch size.
        spec: The description of the examples that the model was fitted on.
        columns: The model's feature columns.
    """

    def __init__(
        self, configuration: Configuration, spec: FeatureSpec, columns: Sequence[Any]
    ) -> None:
        self._configuration, self._spec = configuration, spec
        self._parsing = tfrs_afm.parse_spec(columns)

    def part(
        self, folder: Path, part: str, extras: Sequence[str] = (), *, shuffled: bool = False
    ) -> Batches:
        """Returns the batches of a prepared split.

        Args:
            folder: The folder of `prepare`.
            part: "train", "validation" or "test".
            extras: Further features to read, for metrics.
            shuffled: Whether each epoch has an order of its own.

        Raises:
            ValueError: If there is no such split, or its files are damaged.
        """
        data, training = self._configuration.data, self._configuration.training
        options = BatchOptions(
            self._spec.label,
            self._spec.weight,
            batch_size=data.batch_size,
            shuffle_buffer=data.shuffle_buffer if shuffled else 0,
            seed=training.seed,
        )
        files = self._spec.files(folder, part)
        count = math.ceil(self._spec.parts[part].examples / data.batch_size)
        features = self._features(extras)
        return Batches(files, FormatOptions("tfrecord"), features, options, num_batches=count)

    def files(
        self,
        files: Sequence[Path],
        form: str,
        extras: Sequence[str] = (),
        *,
        labelled: bool = True,
    ) -> Batches:
        """Returns the batches of raw files, in their order.

        With labels a bad row is what `data.on_bad_row` says. Without, it is an error: predictions
        are numbered as the rows are, and one that is left out would move all after it.

        Args:
            files: The files.
            form: How they are written; options are those of the configuration.
            extras: Further features to read, for metrics.
            labelled: Whether labels and weights are read.

        Raises:
            ValueError: If there is no such file, or one is empty, damaged or lacks a column.
        """
        data, task = self._configuration.data, self._configuration.task
        options = BatchOptions(
            data.label if labelled else None,
            data.weight if labelled else None,
            positive_from=data.positive_from if labelled else None,
            label_values=data.label_values if labelled else {},
            label_range=(0.0, 1.0) if labelled and task.predicts == "binary" else None,
            batch_size=data.batch_size,
        )
        described = format_options(data, form, other=True)
        on_bad_row = data.on_bad_row if labelled else "error"
        bad_rows = BadRows(on_bad_row, may_skip=labelled, most=data.max_bad_rows)
        return Batches(files, described, self._features(extras), options, bad_rows)

    def _features(self, extras: Sequence[str]) -> dict[str, Any]:
        wanted = list(extras)
        if self._configuration.task.predicts == "ranking":
            wanted.append(str(self._configuration.data.group))
        for name in wanted:
            if name not in self._parsing and name not in self._spec.features:
                raise ValueError(
                    "`evaluation` must name features that are among the prepared examples. "
                    f"Received: {name!r}. Prepare them again with this configuration."
                )
        described = [self._spec.features[name] for name in wanted if name not in self._parsing]
        return {**self._parsing, **parse_spec(described)}


_ENDINGS = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".tfrecord": "tfrecord",
    ".libsvm": "libsvm",
    ".svm": "libsvm",
    ".libffm": "libffm",
    ".ffm": "libffm",
}


def input_files(patterns: Sequence[str], form: str | None, data: Data) -> tuple[list[Path], str]:
    """Returns files and their format.

    Args:
        patterns: Paths or globs.
        form: `--format`; None to go by the ending of the first file, and where that says nothing
            by the configuration.
        data: The section of the configuration.

    Raises:
        ValueError: If a pattern names no file, or the format is not known.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "new.csv.gz"
        >>> _ = path.write_text("")
        >>> input_files([str(path)], None, Data(format="jsonl", train="a"))[1]
        'csv'
    """
    files = find_files(patterns, "--input")
    told = [_ENDINGS[ending] for ending in files[0].suffixes if ending in _ENDINGS]
    ending = told[-1] if told else data.format
    if ending == "tfrecord" and data.format in ("sequence_example", "elwc"):
        ending = data.format  # they have the same ending
    found = form or ending
    if found is None:
        raise ValueError(
            f"`--format` must be given for such a file. Received: --input {files[0]}. "
            "Say, for example, --format csv."
        )
    return files, found
