"""Metrics that are means over groups."""

import numpy as np
from numpy.typing import NDArray

from pipelines.evaluation.sums import Sums
from pipelines.metrics.ranking import Ranking


def group_sums(names: tuple[str, ...], ranking: Ranking, ks: tuple[int, ...]) -> dict[str, Sums]:
    """Returns the metrics that are means over groups.

    Args:
        names: Of "group_auc", "ndcg", "hit_rate", "mrr" and "map"; others are passed over.
        ranking: The examples of each group.
        ks: The numbers of ranks that count.

    Returns:
        Metric, as `ndcg_10`, -> its sums over the groups that have a value.

    Example:
        >>> import numpy as np
        >>> ranking = Ranking([7, 7, 8, 8], [1, 0, 1, 0], [0.9, 0.1, 0.2, 0.3])
        >>> group_sums(("hit_rate",), ranking, (1,))["hit_rate_1"].of(np.ones([1, 2])).tolist()
        [0.5]
    """
    measures = {
        "ndcg": ranking.ndcg,
        "hit_rate": ranking.hit_rate,
        "map": ranking.average_precision,
    }
    values: dict[str, NDArray[np.float64]] = {}
    weights = np.ones(ranking.sizes.size)
    for name in names:
        if name == "group_auc":
            values[name] = ranking.auc()
        elif name == "mrr":
            values[name] = ranking.reciprocal_rank()
        elif name in measures:
            values |= {f"{name}_{k}": measures[name](k) for k in ks}
    found = {}
    for name, value in values.items():
        weight = ranking.group_weights() if name == "group_auc" else weights
        share = np.where(np.isnan(value), 0.0, weight)
        found[name] = Sums(np.stack([np.nan_to_num(value) * share, share], 1))
    return found
