"""The pairs of members in an order that blocks can be cut from."""

from typing import Any

import tensorflow as tf


def circular_pairs(n: Any, start: Any, stop: Any) -> tuple[Any, Any]:
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
