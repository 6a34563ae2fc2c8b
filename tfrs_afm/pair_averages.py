"""What field pairs do on average over a data set."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class PairAverages:
    """Averages of explanations over a data set, by pair of fields.

    Attributes:
        fields: Names of the n fields.
        examples: How many examples were averaged over.
        contribution: `(n, n)` symmetric, the mean signed share of each pair in the logit.
        magnitude: `(n, n)` symmetric, the mean size of that share, whatever its sign.
        attention: `(n, n)` symmetric, the mean attention of each pair over the examples that have
            it; for DeepFM 1.
        linear: `(n,)`, the mean share of each field by itself.
    """

    fields: list[str]
    examples: int
    contribution: np.ndarray
    magnitude: np.ndarray
    attention: np.ndarray
    linear: np.ndarray

    def table(self) -> list[dict[str, Any]]:
        """Returns one row a pair, the pair that moves logits most first.

        Returns:
            Dicts with `fields` (two names), `contribution`, `magnitude` and `attention`.
        """
        rows = [
            {
                "fields": (self.fields[i], self.fields[j]),
                "contribution": float(self.contribution[i, j]),
                "magnitude": float(self.magnitude[i, j]),
                "attention": float(self.attention[i, j]),
            }
            for i, j in zip(*np.nonzero(np.triu(self.magnitude)), strict=True)
        ]
        return sorted(rows, key=lambda row: -row["magnitude"])

    def heat_map(self, path: str | Path, what: str = "contribution") -> None:
        """Draws the pairs as a heat map.

        Args:
            path: Where the picture goes; its suffix (.png, .svg, .pdf) says the format.
            what: "contribution", "magnitude" or "attention".

        Raises:
            ValueError: If `what` is none of these.
            ImportError: If matplotlib is not installed.
        """
        if what not in ("contribution", "magnitude", "attention"):
            raise ValueError(
                "`what` must be 'contribution', 'magnitude' or 'attention'. "
                f"Received: what={what!r}. Choose one of them."
            )
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(
                "`heat_map` must have matplotlib. Received: no such package. "
                "Install the extra: pip install 'tfrs-afm[report]'."
            ) from error
        values = getattr(self, what)
        side = 2 + 0.6 * len(self.fields)
        figure = Figure(figsize=(side + 1, side), layout="constrained")
        axes = figure.subplots()
        limit = float(np.abs(values).max()) or 1.0
        signed = what == "contribution"
        image = axes.imshow(
            values, cmap="RdBu_r" if signed else "Blues", vmin=-limit if signed else 0, vmax=limit
        )
        axes.set_xticks(range(len(self.fields)), self.fields, rotation=90)
        axes.set_yticks(range(len(self.fields)), self.fields)
        axes.set_title(f"mean {what} of field pairs, {self.examples} examples")
        figure.colorbar(image, ax=axes)
        figure.savefig(path)
