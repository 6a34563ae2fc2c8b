"""One thing that is found on the training part."""

import dataclasses
from typing import Literal

What = Literal["vocabulary", "num_ids", "quantile", "uniform", "mean", "median", "range"]


@dataclasses.dataclass(frozen=True)
class Fit:
    """What is to be found, on which features; equal fits are found once.

    Attributes:
        what: `vocabulary`: values by falling count; `num_ids`: one more than the largest id;
            `quantile`, `uniform`: bounds of buckets; `mean`, `median`: of the numbers; `range`:
            mean, standard deviation, least and greatest.
        features: Whose values count, together.
        size: Most values of a vocabulary; number of buckets.
        min_count: How often a value of a vocabulary must occur.
        ends: Whether bounds include the least and the greatest number.
        log: Whether the numbers are sign(x) log(1 + |x|).
    """

    what: What
    features: tuple[str, ...]
    size: int | None = None
    min_count: int = 1
    ends: bool = False
    log: bool = False

    @property
    def name(self) -> str:
        """What stands for it in `Fitted`; different fits have different names.

        Example:
            >>> Fit("quantile", ("age",), 10).name
            'quantile(age, size=10)'
        """
        options = [
            f"{field.name}={getattr(self, field.name)}"
            for field in dataclasses.fields(self)[2:]
            if getattr(self, field.name) != field.default
        ]
        return f"{self.what}({', '.join([*self.features, *options])})"
