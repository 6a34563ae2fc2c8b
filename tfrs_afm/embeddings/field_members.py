"""A field's members with what they looked up."""

from typing import Any, NamedTuple

from tfrs_afm.columns.field import Field
from tfrs_afm.columns.members import Members


class FieldMembers(NamedTuple):
    """The members of one field over a batch, looked up but not yet pooled.

    Attributes:
        field: The field.
        members: Its real members.
        rows: `(count, dim)`, the row of each member.
        weights: `(count, 1)`, the linear weight of each member, or None.
    """

    field: Field
    members: Members
    rows: Any
    weights: Any
