"""How large the blocks of a computation over pairs are."""

from typing import Any, NamedTuple

import tensorflow as tf

# Blocks in flight: enough to keep threads busy, few enough to bound memory.
BLOCKS_AT_A_TIME = 4


class BlockPlan(NamedTuple):
    """Sizes of the blocks that the pairs of a batch are computed in.

    Attributes:
        examples: Examples in a block.
        pairs: Pairs of each of these examples in a block; a multiple of n.
    """

    examples: Any
    pairs: Any

    @classmethod
    def of(cls, n: Any, width: int, floats: int = 1 << 20, least: int = 32) -> "BlockPlan":
        """Plans blocks of bounded size.

        Args:
            n: Number of members, an int or an int32 tensor.
            width: Floats in a pair's widest part, the larger of dim and units.
            floats: Floats that a block's widest tensor may have. The default, 4 MB, still stays in
                the last cache, and makes running an operation dear beside scheduling it.
            least: Examples that a block has at least; below, rows are too short to be fast.

        Returns:
            The plan, of ints or of tensors as `n` is.
        """
        larger = max if isinstance(n, int) else tf.maximum
        n = larger(n, 2)
        laps = n // 2  # of n pairs each; the last is half a lap where n is even
        columns = floats // width
        # In sixteens, for the sake of vector instructions.
        examples = larger(columns // (n * (n - 1) // 2) // 16 * 16, least)
        room = larger(columns // (n * examples), 1)
        blocks = (laps + room - 1) // room
        return cls(examples, n * ((laps + blocks - 1) // blocks))
