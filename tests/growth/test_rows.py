import hypothesis
import hypothesis.strategies as st
import numpy as np

from tfrs_afm.growth.rows import IdSegment, source_rows

WORDS = st.lists(st.sampled_from([b"a", b"b", b"c", b"d", b"e", 1, 2]), unique=True)
UNKNOWN = st.integers(0, 2)


def segments(words: list, unknown: int) -> list[IdSegment]:
    return [IdSegment("ids", words), IdSegment(f"{unknown} for unknown", range(unknown))]


@hypothesis.given(WORDS, UNKNOWN, WORDS, UNKNOWN)
def test_rows_come_from_the_row_of_the_same_word(
    old: list, old_unknown: int, new: list, new_unknown: int
) -> None:
    expected = [old.index(word) if word in old else -1 for word in new]
    for bucket in range(new_unknown):
        expected.append(len(old) + bucket if old_unknown == new_unknown else -1)
    found = source_rows(segments(old, old_unknown), segments(new, new_unknown))
    np.testing.assert_array_equal(found, np.array(expected, np.int64))


@hypothesis.given(st.integers(1, 5), st.integers(1, 5), st.permutations(range(4)))
def test_a_range_and_a_list_of_numbers_are_the_same_ids(
    old: int, new: int, order: list[int]
) -> None:
    expected = [i if i < old else -1 for i in range(new)]
    for ids in (range(old), list(range(old))):
        found = source_rows([IdSegment("ids", ids)], [IdSegment("ids", range(new))])
        assert found.tolist() == expected
    found = source_rows([IdSegment("ids", range(old))], [IdSegment("ids", order)])
    assert found.tolist() == [i if i < old else -1 for i in order]
