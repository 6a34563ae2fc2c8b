"""What becomes of a row that cannot be read."""

from pathlib import Path

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
