import collections
import random
import re

import pytest
import tensorflow as tf

from pipelines.configuration.negatives import Negatives
from pipelines.runs.candidates_of import candidates_of

NEGATIVES = Negatives(item="film", item_features=("genres",), group="user")


def batches(rows: list[tuple[str, int, list[str], float]], size: int) -> list[tuple]:
    """Rows of user, film, genres and label."""
    made = []
    for start in range(0, len(rows), size):
        users, films, genres, labels = zip(*rows[start : start + size], strict=True)
        features = {
            "user": tf.constant(users),
            "film": tf.sparse.from_dense([[film] for film in films]),
            "genres": tf.ragged.constant(genres, dtype=tf.string).to_sparse(),
        }
        made.append((features, tf.constant(labels)[:, tf.newaxis]))
    return made


def drawn_rows() -> list[tuple[str, int, list[str], float]]:
    draw = random.Random(3)
    genres = {film: draw.sample(["a", "b", "c"], draw.randrange(3)) for film in range(1, 8)}
    films = [draw.randrange(1, 8) for _ in range(50)]
    return [(f"u{draw.randrange(4)}", f, genres[f], float(draw.randrange(2))) for f in films]


@pytest.mark.parametrize("size", [1, 7, 50])
def test_each_item_comes_once_with_its_features_counts_and_who_chose_it(size: int) -> None:
    rows = drawn_rows()
    found = candidates_of(NEGATIVES, batches(rows, size))
    order = list(dict.fromkeys(film for _, film, _, _ in rows))
    assert found.features["film"].to_list() == [[film] for film in order]
    genres = {film: [g.encode() for g in genres] for _, film, genres, _ in rows}
    assert found.features["genres"].to_list() == [genres[film] for film in order]
    liked = [(user.encode(), film) for user, film, _, label in rows if label]
    assert found.positives == tuple(map(list, zip(*liked, strict=True)))
    times = collections.Counter(film for _, film in liked)
    assert found.counts.tolist() == [times[film] for film in order]


def test_a_row_without_an_item_counts_for_nothing() -> None:
    features = {"film": tf.sparse.from_dense([[5], [0]])}
    found = candidates_of(Negatives(item="film"), [(features, tf.ones([2, 1]))])
    assert found.features["film"].to_list() == [[5]]
    assert found.counts.tolist() == [1]
    assert found.positives is None


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({"film": [[1, 2]]}, "`training.negatives` must name features with one value a row."),
        ({"film": [[0]]}, "`training.negatives.item` must name a feature with values."),
        ({"film": [[1]], "user": [[0]]}, "`training.negatives.group` must have a value in every"),
    ],
)
def test_what_no_item_can_be_found_in_is_named(features: dict, message: str) -> None:
    sparse = {name: tf.sparse.from_dense(values) for name, values in features.items()}
    negatives = Negatives(item="film", group="user" if "user" in features else None)
    with pytest.raises(ValueError, match=re.escape(message)):
        candidates_of(negatives, [(sparse, tf.ones([1, 1]))])
