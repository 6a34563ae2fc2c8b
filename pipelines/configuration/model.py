"""The section `model`: what turns embedded columns into a score."""

from typing import Annotated, Literal, Self

import pydantic

from pipelines.configuration.broken import broken
from pipelines.configuration.deep import Deep
from pipelines.configuration.section import Section

Share = Annotated[float, pydantic.Field(ge=0, lt=1)]
_ONLY = {
    "AFM": (
        "crossing",
        "attention_units",
        "attention_dropout",
        "attention_l2",
        "temperature",
        "pooling",
        "deep",
    ),
    "DeepFM": ("units", "activation", "batch_norm", "kernel_l2"),
    "logistic_regression": (),
}


class Model(Section):
    """The arguments of `tfrs_afm.models.AFM` and `DeepFM`, and of their parts."""

    kind: Literal["AFM", "DeepFM", "logistic_regression"] = "AFM"
    """`logistic_regression` is the linear term alone, a baseline."""
    dim: int = pydantic.Field(default=16, gt=0)
    """Length of the vectors of columns that leave it open."""
    stddev: float | None = pydantic.Field(default=None, gt=0)
    """Standard deviation of the vectors before training, where columns leave it open. Default:
    1 / sqrt(dimension)."""
    l2: float = pydantic.Field(default=0.0, ge=0)
    """L2 regularization of the rows that a batch looks up."""
    dropout: Share = 0.0
    """AFM: share of the pooled vector that training drops. DeepFM: of each hidden layer."""
    crossing: Literal["fields", "ids"] = "fields"
    """AFM: whether columns are crossed as a whole, or each of their ids."""

    attention_units: int = pydantic.Field(default=16, gt=0)
    """AFM: width of the attention network."""
    attention_dropout: Share = 0.0
    """AFM: share of the attention weights that training drops."""
    attention_l2: float = pydantic.Field(default=0.0, ge=0)
    """AFM: L2 regularization of the attention's W."""
    temperature: float = pydantic.Field(default=1.0, gt=0)
    """AFM: divides the attention scores."""
    pooling: Literal["attention", "average", "sum", "max"] = "attention"
    """AFM: how the pairs become one vector."""
    deep: Deep | None = None
    """AFM: a tower whose logit is added."""

    units: tuple[Annotated[int, pydantic.Field(gt=0)], ...] = pydantic.Field(
        default=(400, 400, 400), min_length=1
    )
    """DeepFM: widths of the hidden layers."""
    activation: str = "relu"
    """DeepFM: activation of the hidden layers."""
    batch_norm: bool = False
    """DeepFM: whether to normalise each hidden layer before its activation."""
    kernel_l2: float = pydantic.Field(default=0.0, ge=0)
    """DeepFM: L2 regularization of the tower's kernels."""

    @pydantic.model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        for kind, names in _ONLY.items():
            for name in names:
                given = getattr(self, name) != type(self).model_fields[name].default
                if given and kind != self.kind:
                    raise broken(name, f"be left out of kind {self.kind}", f"It is of {kind}.")
        if self.kind == "logistic_regression" and self.dropout:
            raise broken("dropout", "be left out of kind logistic_regression")
        if self.crossing == "ids" and self.deep is not None:
            raise broken("deep", "be left out where ids are crossed", "A tower needs fields.")
        return self
