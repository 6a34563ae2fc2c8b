"""What crossing members costs, before anything is built."""

from typing import NamedTuple

from tfrs_afm.interactions.pair_blocks import BLOCKS_AT_A_TIME, BlockPlan


class InteractionCost(NamedTuple):
    """The cost of attention over all pairs of a batch.

    Attributes:
        num_pairs: Pairs of one example, `n(n-1)/2`.
        inference_flops: Floating-point operations to score the batch.
        training_flops: The same for forward and backward, the recomputation included.
        block_mb: Megabytes (1e6 bytes) that a training step holds for pairs, whatever the batch.
        all_pairs_mb: Megabytes it would hold if it kept all pairs of the batch.
    """

    num_pairs: int
    inference_flops: int
    training_flops: int
    block_mb: float
    all_pairs_mb: float


def interaction_cost(num_members: int, dim: int, units: int, batch: int) -> InteractionCost:
    """Says what attention over all pairs costs; pairs grow with the square of the members.

    Args:
        num_members: n, fields or ids of an example.
        dim: Length of the vectors.
        units: Width of the attention network.
        batch: Examples in a batch.

    Returns:
        The cost, in multiplications and additions of W, h and the pooling; the cheaper rest
        (activations, softmax) is left out.

    Raises:
        ValueError: If an argument is not positive.

    Example:
        >>> import tfrs_afm
        >>> cost = tfrs_afm.interactions.interaction_cost(200, dim=16, units=16, batch=256)
        >>> cost.num_pairs, cost.training_flops // 10**6, cost.all_pairs_mb
        (19900, 11982, 1956.2)
    """
    given = {"num_members": num_members, "dim": dim, "units": units, "batch": batch}
    for name, value in given.items():
        if value < 1:
            raise ValueError(f"`{name}` must be positive. Received: {name}={value}. Use 1 or more.")
    num_pairs = num_members * (num_members - 1) // 2
    total = num_pairs * batch
    network = 2 * dim * units
    forward = total * (network + 2 * units + 3 * dim)
    # Backward: the network again, then its two products; and the pooling's.
    backward = total * (3 * network + 4 * units + 10 * dim)
    width = max(dim + 1, units)
    plan = BlockPlan.of(num_members, width)
    columns = min(plan.pairs, num_pairs) * min(plan.examples, batch)
    return InteractionCost(
        num_pairs=num_pairs,
        inference_flops=forward,
        training_flops=forward + backward,
        block_mb=round(BLOCKS_AT_A_TIME * 4 * columns * (5 * dim + 3 * units) / 1e6, 1),
        all_pairs_mb=round(4 * total * 3 * (dim + units) / 1e6, 1),
    )
