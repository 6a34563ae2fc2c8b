"""What became of some steps."""

from typing import NamedTuple


class Done(NamedTuple):
    """What one call did.

    Attributes:
        steps: Steps that ran; fewer than asked for where the data ended.
        rows: Examples in them.
        waited: Seconds until their batches were there.
        finite: Whether the loss was a finite number in each.
    """

    steps: int
    rows: int
    waited: float
    finite: bool
