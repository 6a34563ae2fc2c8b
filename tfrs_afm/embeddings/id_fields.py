"""What an embedding of single ids gives to an interaction."""

from typing import Any, NamedTuple


class IdFields(NamedTuple):
    """Embedded ids of a batch; the first three go into an interaction as fields do.

    Attributes:
        vectors: `(batch, n, dim)`, `v_i x_i` of each id; zeros where it is masked.
        mask: `(batch, n)` bool, True for a real id.
        linear: `(batch, n)`, `w_i x_i` of each id; None without linear weights.
        fields: `(n,)` int32, the column each place belongs to, as an index into the columns.
    """

    vectors: Any
    mask: Any
    linear: Any
    fields: Any
