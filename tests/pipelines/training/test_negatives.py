import collections
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipelines.configuration.training import Negatives, Training
from pipelines.training.negatives import Candidates, candidates_of, with_negatives
from pipelines.training.train import train
from tests.pipelines.training import examples

ITEMS = [10, 11, 12, 13, 14, 15]
GENRES = [[1], [2, 2], [], [3], [4, 4, 4], [5]]
CHOSEN = {1: [10, 11, 12], 2: [15], 3: [10, 11, 12, 13, 14, 15]}


def batches(weighted: bool = False) -> Any:
    users, items = zip(*((user, item) for user in CHOSEN for item in CHOSEN[user]), strict=True)
    features = {
        "user": tf.constant(users, tf.int64)[:, tf.newaxis],
        "item": tf.constant(items, tf.int64)[:, tf.newaxis],
        "genre": tf.gather(tf.ragged.constant(GENRES, dtype=tf.int64), np.asarray(items) - 10),
        "hour": tf.range(len(users)),
    }
    labels = tf.constant([[0.0 if item == 12 else 1.0] for item in items])
    weights = tf.range(len(users), dtype=tf.float32)[:, tf.newaxis]

    def sparse(features: Any, *rest: Any) -> Any:
        return ({**features, "genre": features["genre"].to_sparse()}, *rest)

    parts = (features, labels, weights) if weighted else (features, labels)
    examples = tf.data.Dataset.from_tensor_slices(parts).batch(4)
    return lambda epoch, skip: examples.skip(skip).map(sparse)


def candidates(**more: Any) -> Candidates:
    positives = [(user, item) for user in CHOSEN for item in CHOSEN[user]]
    return Candidates(
        {"item": ITEMS, "genre": tf.ragged.constant(GENRES, dtype=tf.int64)},
        positives=tuple(np.transpose(positives)),  # type: ignore[arg-type]
        **more,
    )


def rows(dataset: Any) -> list[tuple[Any, ...]]:
    """(hour, user, item, genres, label, weights...) of each row of each batch."""
    found: list[tuple[Any, ...]] = []
    for features, labels, *weights in dataset:
        columns = [
            features["hour"].numpy().tolist(),
            features["user"].numpy()[:, 0].tolist(),
            features["item"].numpy()[:, 0].tolist(),
            tf.RaggedTensor.from_sparse(features["genre"]).to_list(),
            labels.numpy()[:, 0].tolist(),
            *(one.numpy()[:, 0].tolist() for one in weights),
        ]
        found.extend(zip(*columns, strict=True))
    return found


@pytest.mark.long
def test_a_negative_is_its_positive_with_another_item_that_its_group_did_not_choose() -> None:
    settings = Negatives(item="item", group="user", per_positive=3)
    more = with_negatives(batches(weighted=True), settings, candidates(), 1)
    plain, grown = rows(batches(weighted=True)(0, 0)), rows(more(0, 0))
    made = [row for row in grown if row not in plain]
    assert [row for row in grown if row in plain] == plain
    by_hour = {row[0]: row for row in plain}
    assert made
    for hour, user, item, genres, label, weight in made:
        assert (user, weight, 1.0) == (by_hour[hour][1], by_hour[hour][5], by_hour[hour][4])
        assert item not in CHOSEN[user]
        assert genres == GENRES[item - 10]
        assert label == 0.0
    # Users 1 and 2 have positives and items left; user 3 chose all, so nothing is made up.
    assert collections.Counter(row[1] for row in made) == {1: 6, 2: 3}


@pytest.mark.long
def test_what_is_drawn_is_a_function_of_seed_epoch_and_batch() -> None:
    settings = Negatives(item="item", per_positive=4)
    more, other = (with_negatives(batches(), settings, candidates(), seed) for seed in (1, 2))
    first = rows(more(3, 0))
    assert rows(more(3, 0)) == first
    assert rows(more(3, 1)) == first[-len(rows(more(3, 1))) :]
    assert rows(more(4, 0)) != first
    assert rows(other(3, 0)) != first


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_items_come_as_often_as_they_should(power: float) -> None:
    counts = [0.0, 16.0, 9.0, 4.0, 1.0, 0.0]
    for distribution, weights in (
        ("uniform", [1.0] * 6),
        ("popularity", [count**power for count in counts]),
    ):
        settings = Negatives(
            item="item",
            per_positive=20000,
            distribution=distribution,  # type: ignore[arg-type]
            power=power,
        )
        one = tf.data.Dataset.from_tensors(({"item": tf.constant([99])}, tf.constant([[1.0]])))
        more = with_negatives(
            lambda epoch, skip, one=one: one, settings, Candidates({"item": ITEMS}, counts), 1
        )
        ((features, _),) = more(0, 0)
        drawn = collections.Counter(features["item"].numpy()[1:].tolist())
        shares = [drawn[item] / 20000 for item in ITEMS]
        np.testing.assert_allclose(shares, np.divide(weights, sum(weights)), atol=0.012)


def test_string_ids_are_drawn_as_well() -> None:
    one = tf.data.Dataset.from_tensors(
        ({"item": tf.constant([["a"]]), "user": tf.constant([["x"]])}, tf.constant([[1.0]]))
    )
    known = Candidates({"item": ["a", "b", "c"]}, positives=(["x", "x"], ["a", "b"]))
    settings = Negatives(item="item", group="user", per_positive=2)
    ((features, _),) = with_negatives(lambda epoch, skip: one, settings, known, 1)(0, 0)
    assert features["item"].numpy().tolist() == [[b"a"], [b"c"], [b"c"]]


def test_candidates_that_lack_something_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`candidates` must have the feature.*\['film'\]"):
        with_negatives(batches(), Negatives(item="item"), Candidates({"film": [1]}), 1)
    settings = Negatives(item="item", distribution="popularity")
    with pytest.raises(ValueError, match="must have counts"):
        with_negatives(batches(), settings, candidates(), 1)


@pytest.mark.long
def test_training_makes_up_negatives_and_needs_candidates_for_it(tmp_path: Path) -> None:
    settings = Training(epochs=1, negatives={"item": "film", "per_positive": 2})
    data = examples.batches(), examples.validation(), tmp_path, settings
    with pytest.raises(ValueError, match=r"`candidates` must be given.*negatives"):
        train(examples.model(), *data)
    history = train(examples.model(), *data, candidates=Candidates({"film": list(range(12))}))
    record = history.epochs[0]
    positives = int(examples.rows()[1].sum())
    seen = record["examples_per_second"] * record["seconds"]
    assert seen == pytest.approx(examples.ROWS + 2 * positives)


NEGATIVES = Negatives(item="film", item_features=("genres",), group="user")


def run_batches(rows: list[tuple[str, int, list[str], float]], size: int) -> list[tuple]:
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
    found = candidates_of(NEGATIVES, run_batches(rows, size))
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
