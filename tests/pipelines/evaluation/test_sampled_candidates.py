from collections import Counter

import pytest

from pipelines.evaluation.sampled_candidates import sampled_candidates

FILMS = [{"film": film, "genre": film % 3} for film in range(12)]
NAMES = {"user": "user", "item": "film"}


def test_negatives_are_unused_items_with_their_own_features() -> None:
    known = {1: {0, 1, 2}, 2: {11}}
    rows = [
        {"user": 1, "film": 0, "genre": 0, "age": 40},
        {"user": 1, "film": 1, "genre": 1, "age": 40},
        {"user": 2, "film": 11, "genre": 2, "age": 9},
    ]
    found = list(sampled_candidates(rows, FILMS, **NAMES, known=known, negatives=5))
    assert Counter((group, label) for group, label, _ in found) == {
        **{(group, 1): 1 for group in range(3)},
        **{(group, 0): 5 for group in range(3)},
    }
    for group, label, row in found:
        positive = rows[group]
        assert row["user"] == positive["user"]
        assert row["age"] == positive["age"]
        assert row["genre"] == row["film"] % 3
        if label:
            assert row == positive
        else:
            assert row["film"] not in known[row["user"]]
    drawn = [row["film"] for group, label, row in found if group == 0 and not label]
    assert len(set(drawn)) == 5


def test_every_unused_item_is_equally_likely_and_a_seed_decides() -> None:
    rows = [{"user": 1, "film": 0}] * 4000

    def draw(seed: int) -> list[int]:
        found = sampled_candidates(rows, FILMS, **NAMES, known={}, negatives=1, seed=seed)
        return [row["film"] for _, label, row in found if not label]

    counts = Counter(draw(1))
    assert sorted(counts) == list(range(1, 12))
    assert max(counts.values()) < 1.3 * min(counts.values())
    assert draw(1) == draw(1) != draw(2)


def test_a_user_who_has_used_all_but_a_few_items_is_named() -> None:
    rows = [{"user": 1, "film": 0}]
    with pytest.raises(ValueError, match=r"user=1 has 2 unused items\. Take fewer"):
        list(sampled_candidates(rows, FILMS[:3], **NAMES, known={}, negatives=3))
    with pytest.raises(ValueError, match="`negatives` must be positive"):
        list(sampled_candidates(rows, FILMS, **NAMES, known={}, negatives=0))
