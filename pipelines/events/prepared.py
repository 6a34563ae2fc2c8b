"""What the preparation of events leaves behind, and where it may."""

import dataclasses
import json
from pathlib import Path

from pipelines.files.atomic import write_text
from pipelines.preparation.feature_spec import FeatureSpec


@dataclasses.dataclass(frozen=True)
class Prepared:
    """The description of the examples and the counters of the run.

    Attributes:
        spec: As `feature_spec.json` has it.
        rows: Rows that became events.
        bad_rows: Rows that were skipped.
        bad_places: Messages of the first bad rows, each with its file and line.
        users: Users with an event.
        capped_users: Users with more than `max_events` events, the rest of which was left out.
        capped_events: Those events.
        rank_errors: Feature, or `time`, -> the largest distance of a bound from the rank that was
            asked for. Zero where the values fitted in memory.
    """

    spec: FeatureSpec
    rows: int
    bad_rows: int
    bad_places: tuple[str, ...]
    users: int
    capped_users: int
    capped_events: int
    rank_errors: dict[str, int]

    FILE = "counters.json"

    def write(self, folder: Path) -> None:
        """Writes the counters and, last, the description into a folder."""
        counters = {name: value for name, value in vars(self).items() if name != "spec"}
        write_text(folder / self.FILE, json.dumps(counters, indent=1) + "\n")
        self.spec.write(folder)


def check_replaceable(out: Path) -> None:
    """Refuses a folder that holds anything but prepared examples.

    Args:
        out: A folder, or the name of none.

    Raises:
        ValueError: If something else is there.

    Example:
        >>> import tempfile
        >>> check_replaceable(Path(tempfile.mkdtemp()))
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        FeatureSpec.read(out)
