"""What becomes of a row that cannot be read."""

import ast
import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_SHOWN = 5

LABEL_FIX = (
    "Set positive_from, from which number on a label is positive: positive_from = 1 for labels of "
    "-1 and 1."
)
"""What mends labels that are not 0 or 1, where leaving rows out would leave out a class."""


class InvalidRow(ValueError):
    """What is wrong with a row, and the way out where another is better than to leave it out.

    Args:
        problem: The rule it breaks and what was received, without a full stop.
        fix: A sentence that names the key to set.
        at_fault: Whether the row itself may be wrong. If it is the configuration, all rows of the
            kind would be lost.

    Example:
        >>> error = InvalidRow("`age` must be a number. Received: age='NA'", "Set missing.")
        >>> advice(error, may_skip=True)
        'Set missing.'
    """

    def __init__(self, problem: str, fix: str, *, at_fault: bool = False) -> None:
        super().__init__(problem)
        self.fix = fix
        self.at_fault = at_fault


def advice(error: ValueError | str, *, may_skip: bool) -> str:
    """Returns how a bad row is mended; leaving it out is offered only where it is at fault.

    Args:
        error: What is wrong.
        may_skip: Whether rows may be left out at all.

    Example:
        >>> advice("`age` must be a number. Received: age='x'", may_skip=False)
        'Correct it.'
    """
    fix = getattr(error, "fix", "")
    if fix and not getattr(error, "at_fault", True):
        return str(fix)
    other = 'Correct it, or skip such rows: on_bad_row = "skip".' if may_skip else "Correct it."
    return f"{other} {fix}".strip()


class BadRows:
    """Ends reading at the first bad row, or counts such rows so that they can be skipped.

    Args:
        on_bad_row: `"error"`: a bad row is an error; `"skip"`: it is counted and left out.
        may_skip: Whether an error may offer to leave the row out.
        most: The largest share of bad rows that is no error, for `require_few`.

    Attributes:
        count: Number of bad rows so far. A row that is read again in another epoch counts once.
        examples: What was wrong with the first few, with file and line or record.

    Example:
        >>> bad_rows = BadRows("skip")
        >>> bad_rows.add(Path("a.csv"), 7, "`age` must be an int64. Received: age='x'")
        >>> bad_rows.report()
        "1 bad row was skipped: `age` must be an int64. Received: age='x' in a.csv, row 7."
    """

    def __init__(
        self, on_bad_row: str = "error", *, may_skip: bool = True, most: float = 0.01
    ) -> None:
        if on_bad_row not in ("error", "skip"):
            raise ValueError(
                f"`on_bad_row` must be error or skip. Received: on_bad_row={on_bad_row}."
            )
        self.on_bad_row = on_bad_row
        self.examples: list[str] = []
        self._may_skip, self._most = may_skip, most
        self._fix = ""  # of the first row that is not itself at fault
        self._seen: set[tuple[Path, int]] = set()

    @property
    def count(self) -> int:
        """Number of different bad rows."""
        return len(self._seen)

    def add(self, file: Path, number: int, problem: ValueError | str, unit: str = "row") -> None:
        """Counts a bad row.

        Args:
            file: Its file.
            number: Its line, counted from 1, or its record, counted from 0.
            problem: The rule it breaks and what was received, without a full stop; an `InvalidRow`
                says a way out of its own.
            unit: What `number` counts: `"line"`, `"record"` or `"row"`.

        Raises:
            ValueError: If bad rows are errors.
        """
        message = f"{problem} in {file}, {unit} {number}."
        if self.on_bad_row == "error":
            raise ValueError(f"{message} {advice(problem, may_skip=self._may_skip)}")
        if (file, number) in self._seen:
            return
        self._seen.add((file, number))
        self._fix = self._fix or getattr(problem, "fix", "")
        if len(self.examples) < _SHOWN:
            self.examples.append(message)

    def require_few(self, good: int) -> None:
        """Refuses to go on where more rows are left out than may be.

        Args:
            good: Number of rows that were read and fit.

        Raises:
            ValueError: If the share of bad rows is too large.
        """
        require_few(self.count, good, self._most, self.examples, self._fix)

    def report(self) -> str:
        """Returns one text on all bad rows, to be shown at the end; empty if there was none."""
        if not self.count:
            return ""
        if self.count == 1:
            return f"1 bad row was skipped: {self.examples[0]}"
        return f"{self.count} bad rows were skipped. The first: {' '.join(self.examples)}"


def require_few(bad: int, good: int, most: float, examples: Iterable[str], fix: str = "") -> None:
    """Refuses to go on where the share of bad rows is larger than it may be.

    Args:
        bad: Number of rows that were left out.
        good: Number of the others.
        most: The largest share.
        examples: What was wrong with the first few.
        fix: What mends them, if that is known.

    Raises:
        ValueError: If there are more.

    Example:
        >>> require_few(1, 99, 0.01, [])
    """
    if bad <= most * (bad + good):
        return
    share = 100 * bad / (bad + good)
    fix = fix or "Correct them, or raise max_bad_rows if they may go."
    raise ValueError(
        "`max_bad_rows` must be at least the share of rows that are skipped. Received: "
        f"max_bad_rows={most:g} and {bad} bad rows of {bad + good} ({share:.3g}%). The first: "
        f"{' '.join(examples)} {fix}"
    )


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
    r"""Returns what a reader or a layer said, without what TensorFlow puts around it.

    Args:
        error: A `tf.errors.OpError`, as iterating over `Batches` or a training step raises it.

    Example:
        >>> import tensorflow as tf
        >>> message = "{{node A}} ValueError: `a` must be text.\nTraceback\n\n [[{{node A}}]]"
        >>> read_error(tf.errors.InvalidArgumentError(None, None, message))
        '`a` must be text.'
        >>> message = r"{{node A}} assertion failed: [`a` is \'b\':] [11] [in row] [1] [Mend it.]"
        >>> read_error(tf.errors.InvalidArgumentError(None, None, message))
        "`a` is 'b': 11 in row 1. Mend it."
    """
    text = str(error.message)
    # An exception of Python comes with its traceback, and stands at its end or its beginning.
    found = re.findall(r"^(?:.*}} )?(?:\w+Error): (.+)$", text, re.MULTILINE)
    if found:
        return str(found[-1]).strip()
    # Where in the graph, before and behind what was said.
    text = re.sub(r"\[\[{{(?:function_)?node.*|\[Op:\w+\].*", "", text, flags=re.DOTALL)
    text = re.sub(r"{{\w+ [^}]*}}|Error in user-defined function passed .* iterator: \S+", "", text)
    # `tf.debugging.Assert` shows its data piece by piece, in a graph in C's way, else in Python's.
    asserted = re.search(r"assertion failed: \[(.*)\]", text, re.DOTALL)
    if asserted:
        return _one_line(_of_c(piece) for piece in asserted[1].split("] ["))
    summarized = re.search(r"Summarized data: (.*?)(?:\n\n|$)", text, re.DOTALL)
    if summarized:
        return _one_line(map(_of_python, summarized[1].split("\n")))
    return " ".join(text.split())


def _of_c(piece: str) -> str:
    """Text that was written with C's escapes, which are those of Python's bytes."""
    plain = piece.encode().decode("unicode_escape", "replace")
    return plain.encode("latin-1", "replace").decode(errors="replace")


def _of_python(piece: str) -> str:
    """Text that was written as Python writes bytes; a number stays as it is."""
    try:
        value = ast.literal_eval(piece)
    except (SyntaxError, ValueError):
        return piece
    return value.decode(errors="replace") if isinstance(value, bytes) else piece


def _one_line(pieces: Iterable[str]) -> str:
    """Joins pieces; where one that begins a sentence follows a number, the number ends one."""
    line = ""
    for piece in pieces:
        line += "." if line[-1:].isdigit() and piece[:1].isupper() else ""
        line += f" {piece}"
    return " ".join(line.split())
