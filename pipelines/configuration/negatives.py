"""Negatives for data that only knows what was chosen."""

from typing import Literal

import pydantic

from pipelines.configuration.section import Section


class Negatives(Section):
    """Examples that training makes up: a positive with another item, labelled 0.

    Others are drawn in each epoch. No item is drawn that is a positive of the same group.

    Raises:
        pydantic.ValidationError: If a number is outside of its range.

    Example:
        >>> Negatives(item="movie_id", group="user_id").per_positive
        4
    """

    item: str
    """The feature that says which item an example is about."""

    item_features: tuple[str, ...] = ()
    """Features that change with the item; all others stay those of the positive."""

    group: str | None = None
    """The feature whose positives are not drawn as its negatives, for example the user. Left out:
    only the item of the positive itself is not drawn."""

    per_positive: pydantic.PositiveInt = 4
    """Negatives for each positive."""

    distribution: Literal["uniform", "popularity"] = "uniform"
    """Whether each item is as likely, or in proportion to how often it is a positive."""

    power: float = pydantic.Field(default=1.0, gt=0, le=1)
    """Exponent of the popularity: below 1 rare items come more often."""
