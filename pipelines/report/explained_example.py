"""One example and why it got its score."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ExplainedExample:
    """A prediction split into named parts.

    Attributes:
        story: What makes it telling, as "Worst miss: called negative, is positive".
        label: The label.
        prediction: The prediction.
        features: Feature -> its values, as text.
        parts: Name -> share of the logit: the bias, fields, pairs of fields, the deep tower. They
            add up to the logit.
    """

    story: str
    label: float
    prediction: float
    features: dict[str, str]
    parts: dict[str, float]
