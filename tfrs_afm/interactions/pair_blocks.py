"""Which pairs there are, and the blocks of bounded size that they are computed in."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfrs_afm.types import Tensor

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
    def of(cls, n: Tensor, width: int, floats: int = 1 << 20, least: int = 32) -> "BlockPlan":
        """Plans blocks of bounded size.

        Args:
            n: Number of members, an int or an int32 tensor.
            width: Floats in a pair's widest part, the larger of dim and units.
            floats: Floats that a block's widest tensor may have. The default, 4 MB, still stays in
                the last cache, and makes running an operation costly next to scheduling it.
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


def circular_pairs(n: Tensor, start: Tensor, stop: Tensor) -> tuple[Any, Any]:
    """Returns the members of pairs `start` to `stop` in circular order.

    Pair p joins member `p mod n` with the one `p // n + 1` places on, around the circle. The
    `n(n-1)/2` first of them are all pairs, each once; `n` consecutive ones, from a multiple of n,
    hold every member exactly twice, and the `n/2` left over with even n hold it once. So gradients
    of a block add up by a gather and a dense sum, without a scatter.

    Args:
        n: `()` int32, number of members, at least 2.
        start: `()` int32, the first pair.
        stop: `()` int32, the pair after the last.

    Returns:
        `first` and `second`, `(stop - start,)` int32.

    Example:
        >>> first, second = circular_pairs(4, 0, 6)
        >>> list(zip(first.numpy().tolist(), second.numpy().tolist()))
        [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (1, 3)]
    """
    pair = tf.range(start, stop)
    first = tf.math.floormod(pair, n)
    step = tf.math.floordiv(pair, n) + 1
    return first, tf.math.floormod(first + step, n)
