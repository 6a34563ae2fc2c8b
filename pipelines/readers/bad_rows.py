"""What becomes of a row that cannot be read."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_SHOWN = 5


class BadRows:
    """Ends reading at the first bad row, or counts such rows so that they can be skipped.

    Args:
        on_bad_row: `"error"`: a bad row is an error; `"skip"`: it is counted and left out.

    Attributes:
        count: Number of bad rows so far. A row that is read again in another epoch counts once.
        examples: What was wrong with the first few, with file and line or record.

    Example:
        >>> bad_rows = BadRows("skip")
        >>> bad_rows.add(Path("a.csv"), 7, "`age` must be an int64. Received: age='x'")
        >>> bad_rows.report()
        "1 bad row was skipped: `age` must be an int64. Received: age='x' in a.csv, row 7."
    """

    def __init__(self, on_bad_row: str = "error") -> None:
        if on_bad_row not in ("error", "skip"):
            raise ValueError(
                f"`on_bad_row` must be error or skip. Received: on_bad_row={on_bad_row}."
            )
        self.on_bad_row = on_bad_row
        self.examples: list[str] = []
        self._seen: set[tuple[Path, int]] = set()

    @property
    def count(self) -> int:
        """Number of different bad rows."""
        return len(self._seen)

    def add(self, file: Path, number: int, problem: str, unit: str = "row") -> None:
        """Counts a bad row.

        Args:
            file: Its file.
            number: Its line, counted from 1, or its record, counted from 0.
            problem: The rule it breaks and what was received, without a full stop.
            unit: What `number` counts: `"line"`, `"record"` or `"row"`.

        Raises:
            ValueError: If bad rows are errors.
        """
        message = f"{problem} in {file}, {unit} {number}."
        if self.on_bad_row == "error":
            raise ValueError(f'{message} Correct it, or skip such rows: on_bad_row = "skip".')
        if (file, number) in self._seen:
            return
        self._seen.add((file, number))
        if len(self.examples) < _SHOWN:
            self.examples.append(message)

    def report(self) -> str:
        """Returns one text on all bad rows, to be shown at the end; empty if there was none."""
        if not self.count:
            return ""
        if self.count == 1:
            return f"1 bad row was skipped: {self.examples[0]}"
        return f"{self.count} bad rows were skipped. The first: {' '.join(self.examples)}"


def missing_column(name: str, path: Path, names: Iterable[str]) -> ValueError:
    """Returns the error for a column that is asked for and not there.

    Args:
        name: The column.
        path: The file without it.
        names: The columns that the file has.

    Example:
        >>> print(missing_column("user", Path("a.csv"), ["user_id", "age"]))
        `a.csv` must have a column 'user'. Received: user_id, age. Did you mean user_id?
    """
    known = list(names)
    close = difflib.get_close_matches(name, known, 1)
    fix = f"Did you mean {close[0]}?" if close else "Correct the name, or leave the column out."
    return ValueError(
        f"`{path}` must have a column '{name}'. Received: {', '.join(known) or 'none'}. {fix}"
    )


def read_error(error: Any) -> str:
    r"""Returns what a reader said, without what TensorFlow puts around it.

    Args:
        error: A `tf.errors.OpError`, as iterating over `Batches` raises it.

    Example:
        >>> import tensorflow as tf
        >>> message = "{{node A}} ValueError: `a` must be text.\nTraceback\n\n [[{{node A}}]]"
        >>> read_error(tf.errors.InvalidArgumentError(None, None, message))
        '`a` must be text.'
    """
    text = str(error.message)
    # An exception of Python comes with its traceback, and stands at its end or its beginning.
    found = re.findall(r"^(?:.*}} )?(?:\w+Error): (.+)$", text, re.MULTILINE)
    if found:
        return str(found[-1]).strip()
    # Where in the graph, before and behind what was said.
    text = re.sub(r"\[\[{{node.*|\[Op:\w+\].*", "", text, flags=re.DOTALL)
    text = re.sub(r"{{\w+ [^}]*}}|Error in user-defined function passed .* iterator: \S+", "", text)
    asserted = re.search(r"assertion failed: \[(.*)\]|Summarized data: b.(.*).", text, re.DOTALL)
    return " ".join(((asserted[1] or asserted[2]) if asserted else text).split())
