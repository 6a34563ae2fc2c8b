"""What the metrics of the first k of a ranking have in common."""

from typing import Any

from tfrs_afm.tasks.metrics.grouped_metric import GroupedMetric


class TopKMetric(GroupedMetric):
    """A metric of the first k examples of each group; abstract.

    Args:
        group: Name of the feature that says the group of an example.
        k: How many ranks count. Positive.
        name: Name of the metric.
    """

    def __init__(self, group: str, k: int, name: str, **kwargs: Any) -> None:
        super().__init__(group, name, **kwargs)
        if k < 1:
            raise ValueError(f"`k` must be positive. Received: k={k}. Use 10, say.")
        self.k = k

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "k": self.k}
