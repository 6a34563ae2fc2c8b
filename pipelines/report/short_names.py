"""Names of fields as people would say them."""

import re
from collections.abc import Sequence


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Leaves out what feature columns append to the name of a feature, where no two become alike.

    Example:
        >>> short_names(["user_id_embedding", "film_shared_embedding[0]", "age"])
        {'user_id_embedding': 'user_id', 'film_shared_embedding[0]': 'film[0]', 'age': 'age'}
    """
    short = [re.sub(r"(_shared)?_(embedding|indicator)(?=$|\[)", "", name) for name in names]
    return {
        name: less if short.count(less) == 1 else name
        for name, less in zip(names, short, strict=True)
    }
