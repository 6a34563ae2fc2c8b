"""What arguments of the interactions must be, the same under Keras 2 and Keras 3."""

from collections.abc import Mapping, Sequence
from typing import Any

# Arguments of an AFM's attention, and what they are where it is left out.
ATTENTION: Mapping[str, Any] = {
    "attention_units": 16,
    "attention_dropout": 0.0,
    "attention_l2": 0.0,
    "temperature": 1.0,
}


def check_attention_left_out(given: Mapping[str, Any]) -> None:
    """Refuses attention arguments beside a pooling, which would not use them."""
    for name, value in given.items():
        if value != ATTENTION[name]:
            raise ValueError(
                f"`{name}` must be left out with a `pooling`, which has its own. Received: "
                f"{name}={value}. Set it on the pooling, or leave that out."
            )


def check_attention(units: int, temperature: float, pair_dropout: float) -> None:
    """Checks the arguments of an attention over pairs."""
    if units < 1:
        raise ValueError(f"`units` must be positive. Received: units={units}. Use 4 or more.")
    if temperature <= 0:
        raise ValueError(
            f"`temperature` must be positive. Received: temperature={temperature}. "
            "Use 1 for the paper's softmax."
        )
    if not 0 <= pair_dropout < 1:
        raise ValueError(
            f"`pair_dropout` must be in [0, 1). Received: pair_dropout={pair_dropout}. "
            "Use 0 for none."
        )


def check_tower(units: Sequence[int]) -> None:
    """Checks the widths of a deep tower."""
    if not units or min(units) < 1:
        raise ValueError(
            f"`units` must hold positive widths. Received: units={list(units)}. "
            "Pass [400, 400, 400], say."
        )


def check_l2(l2: float) -> None:
    """Checks a factor of regularization."""
    if l2 < 0:
        raise ValueError(f"`l2` must not be negative. Received: l2={l2}. Use 0 for none.")


def check_norm(momentum: float, epsilon: float) -> None:
    """Checks the arguments of a batch normalization."""
    if not 0 <= momentum < 1 or epsilon <= 0:
        raise ValueError(
            "`momentum` must be in [0, 1), and `epsilon` positive. Received: "
            f"momentum={momentum}, epsilon={epsilon}. Use 0.99 and 0.001."
        )


def check_sets(sets: int) -> None:
    """Checks how many sets vectors are split into."""
    if sets < 2:
        raise ValueError(
            f"`sets` must be at least 2. Received: sets={sets}. "
            "One set is the interaction by itself."
        )


def check_split(sets: int, dim: int) -> None:
    """Checks that vectors can be split into sets."""
    if dim % sets:
        raise ValueError(
            f"`sets` must divide the length of the vectors. Received: sets={sets} and "
            f"vectors of length {dim}. Give the columns a multiple of it as dimension."
        )


def static_count(shape: Any, count: int | None, of: str, by: str) -> int:
    """Returns a number of members, fields or pairs that weights are made for.

    Args:
        shape: The shape that it was read from.
        count: The number, None where it is only known from batch to batch.
        of: What is counted, in the words of the error.
        by: What needs it.
    """
    if count is None:
        raise ValueError(
            f"`vectors` must have a static number of {of} for {by}. Received: "
            f"{'pairs' if 'pairs' in by else 'vectors'} of shape {tuple(shape)}. Use one pooled "
            "vector per field."
        )
    return int(count)
