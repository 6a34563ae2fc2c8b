"""Explained scores of a batch."""

import dataclasses
import itertools
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Explanation:
    """Why each example of a batch got its logit.

    `bias + linear.sum(1) + pairs.sum(1) + deep` equals `logits`.

    Attributes:
        fields: Names of the n members: fields, or at id level fields with the place of the id.
        fields_of: The name of the field of each member.
        pair_names: Names of the two fields of each pair, `num_pairs` of them.
        logits: `(batch,)` float32.
        bias: w0.
        linear: `(batch, n)`, the share of each field by itself.
        pairs: `(batch, num_pairs)`, the signed share of each pair.
        attention: `(batch, num_pairs)`, the attention of each pair; for DeepFM 1 for a real pair.
        deep: `(batch,)`, the share of the deep tower.
    """

    fields: list[str]
    fields_of: list[str]
    pair_names: list[tuple[str, str]]
    logits: np.ndarray
    bias: float
    linear: np.ndarray
    pairs: np.ndarray
    attention: np.ndarray
    deep: np.ndarray

    @property
    def pair_members(self) -> list[tuple[int, int]]:
        """The two members of each pair, as indices into `fields`."""
        return list(itertools.combinations(range(len(self.fields)), 2))

    def top_pairs(self, row: int, count: int = 5) -> list[dict[str, Any]]:
        """Returns the pairs that moved one example's logit most, in either direction.

        Args:
            row: The example.
            count: How many pairs.

        Returns:
            Dicts with `fields` (two names), `contribution` and `attention`, largest first.
        """
        order = np.argsort(-np.abs(self.pairs[row]), kind="stable")[:count]
        return [
            {
                "fields": self.pair_names[pair],
                "contribution": float(self.pairs[row, pair]),
                "attention": float(self.attention[row, pair]),
            }
            for pair in order
        ]
