"""The key `pooling` of a column: another rule than a combiner."""

from typing import Annotated, Literal

import pydantic

from pipelines.configuration.section import Section


class Pooling(Section):
    """How the ids of a column become one vector, by a rule of `tfrs_afm.embeddings`."""

    kind: Literal["LastK", "Maximum", "Minimum", "RecencyDecay", "TargetAttention"]
    """The rule."""
    k: int = pydantic.Field(default=10, gt=0)
    """LastK: how many of the newest ids count."""
    half_life: float = pydantic.Field(default=10.0, gt=0)
    """RecencyDecay: after how many ids the weight is half as large."""
    newest: Literal["first", "last"] = "last"
    """LastK, RecencyDecay: where in the list the newest id is."""
    query: str | None = None
    """TargetAttention: the feature key of the column that is attended from, as "item_id"."""
    units: tuple[Annotated[int, pydantic.Field(gt=0)], ...] = (36,)
    """TargetAttention: widths of its hidden layers."""
    softmax: bool = False
    """TargetAttention: whether the weights sum to one."""
