"""How old each member of a sequence is, in places."""

from typing import Any

import tensorflow as tf

from tfrs_afm.columns.members import Members
from tfrs_afm.embeddings.member_counts import member_counts


def age_of(members: Members, newest: str) -> Any:
    """Counts how many real members of the same example are newer.

    Args:
        members: The members, in the order of their sequence.
        newest: "last" if the last id of a sequence is the newest, "first" if the first is.

    Returns:
        `(count,)` int64: 0 for the newest.
    """
    ones = tf.ones_like(members.rows)
    counts = tf.cast(member_counts(members), tf.int64)
    starts = tf.cumsum(counts, exclusive=True)
    place = tf.cumsum(ones, exclusive=True) - tf.gather(starts, members.rows)
    if newest == "first":
        return place
    return tf.gather(counts, members.rows) - 1 - place
