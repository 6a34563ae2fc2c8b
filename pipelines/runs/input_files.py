"""Files that `evaluate` and `predict` are given."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.configuration.data import Data
from pipelines.preparation.find_files import find_files

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
    if ending == "tfrecord" and data.format == "sequence_example":
        ending = data.format  # both have that ending
    found = form or ending
    if found is None:
        raise ValueError(
            f"`--format` must be given for such a file. Received: --input {files[0]}. "
            "Say, for example, --format csv."
        )
    return files, found
