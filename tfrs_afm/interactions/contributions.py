"""The parts of a logit."""

from typing import Any, NamedTuple


class Contributions(NamedTuple):
    """The parts that a logit is the sum of, batch first.

    `bias + sum(linear) + sum(pairs) + deep` is the logit.

    Attributes:
        bias: `()`, w0.
        linear: `(batch, n)`, `w_i x_i`; zeros without linear weights.
        pairs: `(batch, num_pairs)`, signed share of each pair, in the order of `PairwiseProduct`.
        attention: `(batch, num_pairs)`, the attention of each pair; ones for real pairs where the
            model has none.
        deep: `(batch,)`, the deep tower's logit; zeros without a tower.
    """

    bias: Any
    linear: Any
    pairs: Any
    attention: Any
    deep: Any
