"""What a preparation of events must give, from a look at the whole log for each answer."""

import math
from typing import Any

Row = dict[str, Any]


def robots_cut(log: list[Row], most: int) -> list[Row]:
    """The oldest `most` rows of each user; among rows of one time, by film, then by content."""
    found = []
    for row in log:
        mine = [other for other in log if other["user"] == row["user"]]
        mine.sort(key=lambda one: (one["at"], one["film"], content(one)))
        if any(one is row for one in mine[:most]):
            found.append(row)
    return found


def content(row: Row) -> str:
    """Sorts as the JSON of the features does: film, label, price, tags, user in this order."""
    tags = ",".join(f'"{tag}"' for tag in row["tags"])
    label = int(row["stars"] >= 4)
    film, price, user = row["film"], row["price"], row["user"]
    return f'{{"film":"{film}","label":{label},"price":{price!r},"tags":[{tags}],"user":{user}}}'


def starts(log: list[Row], fractions: list[float]) -> list[int]:
    times = sorted(row["at"] for row in log)
    found, share = [], 0.0
    for fraction in fractions[:-1]:
        share += fraction
        found.append(times[math.floor(share * len(times) + 1e-6)])
    return found


def vocabulary(values: list[str], min_count: int) -> list[str]:
    distinct = [value for value in set(values) if values.count(value) >= min_count]
    return sorted(sorted(distinct), key=lambda value: values.count(value), reverse=True)


def bounds(values: list[float], num_buckets: int) -> list[float]:
    ordered = sorted(values)
    cuts = {ordered[cut * len(ordered) // num_buckets] for cut in range(1, num_buckets)}
    return sorted(cut for cut in cuts if cut != ordered[0])


def history(row: Row, log: list[Row], length: int) -> tuple[list[str], list[float]]:
    past = [
        other
        for other in log
        if other["user"] == row["user"] and other["at"] < row["at"] and other["stars"] >= 4
    ]
    past.sort(key=lambda other: (-other["at"], other["film"]))
    newest = past[:length]
    return [other["film"] for other in newest], [
        (row["at"] - other["at"]) / 86400 for other in newest
    ]


def example(row: Row, log: list[Row], length: int) -> Row:
    films, ages = history(row, log, length)
    return {
        "user": row["user"],
        "film": row["film"],
        "price": row["price"],
        "tags": row["tags"],
        "label": int(row["stars"] >= 4),
        "history": films,
        "history_age": ages,
    }
