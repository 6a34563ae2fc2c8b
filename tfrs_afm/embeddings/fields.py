"""What an embedding layer gives to an interaction."""

from typing import Any, NamedTuple


class Fields(NamedTuple):
    """Embedded fields of a batch; unpack it into an interaction or a task with `*`.

    Attributes:
        vectors: `(batch, n, dim)`, the pooled `v_i x_i` of each field; zeros where it is masked.
        mask: `(batch, n)` bool, True where the field has at least one real member.
        linear: `(batch, n)`, the pooled `w_i x_i` of each field; None without linear weights.
    """

    vectors: Any
    mask: Any
    linear: Any
