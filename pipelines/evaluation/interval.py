"""A number and how sure it is."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Interval:
    """A metric with its confidence interval.

    Attributes:
        value: The metric on all examples; None where it is not defined, as AUC of one class.
        low: The lower end of the interval; None where there is none.
        high: The upper end.

    Example:
        >>> str(Interval(0.75, 0.7, 0.8)), str(Interval(0.75)), str(Interval(None))
        ('0.7500 [0.7000, 0.8000]', '0.7500', '-')
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        ends = "" if self.low is None else f" [{self.low:.4f}, {self.high:.4f}]"
        return f"{self.value:.4f}{ends}"
