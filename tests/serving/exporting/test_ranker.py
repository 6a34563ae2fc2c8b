"""Ranking with the context's pairs computed once."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from serving.exporting.ranker import Ranker
from serving.exporting.scorer import Scorer
from tests.serving.exporting import rankers

fc = tf.feature_column
KEYS = ["a", "b", "c", "d", "e"]


def ranked(task: Any = None) -> tuple[Any, Scorer, Ranker]:
    columns = [
        fc.embedding_column(fc.categorical_column_with_identity(key, 20), 4)
        for key in (*KEYS[:2], "film", *KEYS[2:])
    ]
    model = tfrs_afm.models.AFM(columns, task=task or tfrs_afm.tasks.AFM(3))
    scorer = Scorer(model)
    rows = [one.SerializeToString() for one in contexts([3, 5])]
    scorer.take_apart(scorer.parse(rows))
    for number, variable in enumerate(model.trainable_variables):
        variable.assign(tf.random.stateless_normal(variable.shape, [number, 3]))
    return model, scorer, Ranker(scorer, ["film"], ids=True)


def contexts(lengths: list[int]) -> list[Any]:
    """Contexts that have the first so many features."""
    made = []
    for row, length in enumerate(lengths):
        made.append(tf.train.Example())
        for key in KEYS[:length]:
            made[-1].features.feature[key].int64_list.value.append(3 * row + length)
    return made


def whole(context: Any, film: int) -> bytes:
    row = tf.train.Example()
    row.CopyFrom(context)
    row.features.feature["film"].int64_list.value.append(film)
    return row.SerializeToString()


@pytest.mark.parametrize("deep", [False, True])
def test_scores_are_those_of_whole_rows_whatever_is_missing(deep: bool) -> None:
    tower = tfrs_afm.interactions.Deep([4]) if deep else None
    model, scorer, ranker = ranked(tfrs_afm.tasks.AFM(attention_units=3, deep=tower))
    assert ranker._pairs.pays
    heads, films = contexts([5, 2, 1, 0]), [7, 0, 19, 7]
    got = ranker.scores(
        tf.constant([one.SerializeToString() for one in heads]),
        tf.constant([films] * len(heads), tf.int64),
    )
    rows = [whole(head, film) for head in heads for film in films]
    expected = scorer.answer(scorer.parse(rows)).numpy().reshape(4, 4)
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert np.ptp(expected) > 0.1
    again = model(scorer.parse(rows)).numpy().reshape(4, 4)
    np.testing.assert_array_equal(again, expected)  # the model pools by itself again


@pytest.mark.matrix
@pytest.mark.parametrize("units", [2, 300])
@pytest.mark.parametrize("features", [["film"], ["film", "a", "b"], ["film", "a", "b", "c"]])
def test_scores_of_candidates_with_several_fields_are_those_of_whole_rows(
    features: list[str], units: int
) -> None:
    # Few units go with the contexts into W, many with the candidates; see `_crossed_scores`.
    _, scorer, _ = ranked(tfrs_afm.tasks.AFM(units))
    ranker = Ranker(scorer, features, ids=False)
    assert ranker._pairs.pays
    heads, candidates = contexts([5, 4, 0]), [tf.train.Example() for _ in range(6)]
    for number, candidate in enumerate(candidates):
        for key in features[number % 2 :]:  # some lack the film
            candidate.features.feature[key].int64_list.value.append(3 * number)
    for head in heads:
        for key in features:
            head.features.feature.pop(key, None)
    got = ranker.scores(
        tf.constant([head.SerializeToString() for head in heads]),
        tf.constant([[one.SerializeToString() for one in candidates]] * len(heads)),
    )
    # One message behind the other is both of them put together.
    rows = [
        head.SerializeToString() + one.SerializeToString() for head in heads for one in candidates
    ]
    expected = scorer.answer(scorer.parse(rows)).numpy().reshape(3, 6)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)
    assert np.ptp(expected) > 0.01


def test_pairs_are_shared_only_where_it_pays() -> None:
    _, scorer, _ = ranked()
    assert Ranker(scorer, ["a", "b", "c"], ids=False)._pairs.pays
    assert not Ranker(scorer, KEYS, ids=False)._pairs.pays
    other = tfrs_afm.models.DeepFM(rankers.small_columns(), units=(4,))
    scorer = Scorer(other)
    scorer.take_apart(scorer.parse([b""]))
    assert not Ranker(scorer, ["movie_id"], ids=True)._pairs.pays


def test_attention_without_softmax_is_not_put_together_as_one_with() -> None:
    parts = tfrs_afm.interactions
    pooling = parts.AttentionPooling(3, softmax=False)
    _, scorer, ranker = ranked(tfrs_afm.tasks.Ranking(parts.AFM(pooling=pooling)))
    (head,), films = contexts([5]), [7, 0]
    got = ranker.scores(tf.constant([head.SerializeToString()]), tf.constant([films], tf.int64))
    expected = scorer.answer(scorer.parse([whole(head, film) for film in films])).numpy()
    np.testing.assert_allclose(got, expected.reshape(1, 2), atol=1e-6)
