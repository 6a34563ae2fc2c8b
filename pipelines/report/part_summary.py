"""What a part of the data holds."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class PartSummary:
    """Counts of a part.

    Attributes:
        examples: Number of examples.
        mean_label: Mean of the labels: for labels 0 and 1 the share of positives.
        groups: Number of groups; None where the data have none.
    """

    examples: int
    mean_label: float
    groups: int | None = None
