"""Addresses that nobody on this machine uses."""

import contextlib
import socket


def free_addresses(number: int) -> list[str]:
    """Finds free ports of the loopback interface.

    Args:
        number: How many.

    Returns:
        Distinct addresses, as "127.0.0.1:40123".

    Example:
        >>> len(set(free_addresses(3)))
        3
    """
    with contextlib.ExitStack() as stack:
        # All at once: a port that was given back may be given out again.
        bound = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in bound:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in bound]
