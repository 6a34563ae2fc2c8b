"""What TensorFlow's errors say, without what it puts around that."""

from typing import Any

import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.readers.bad_rows import read_error

pytestmark = pytest.mark.long

fc = tf.feature_column
OUT_OF_RANGE = (
    "`größe` must be below num_buckets=9. Received for field 'größe_embedding': 11 in row 1. "
    "Give the column a default_value, or more buckets."
)
OF_OTHER_LENGTH = (
    "`weight's \\` must have one value per id. Received for field 'words_weighted_by_weight's "
    "\\_embedding' in row 1 ids and values: 1 2. Write as many values as ids."
)


def model(column: Any) -> Any:
    made = tfrs_afm.models.AFM([fc.embedding_column(column, 2), fc.embedding_column(FILM, 2)])
    made.compile(tfrs_afm.optimizers.SGD(0.1))
    return made


FILM = fc.categorical_column_with_identity("film", 9)
WORDS = fc.categorical_column_with_identity("words", 9)
WRONG: dict[str, tuple[Any, dict[str, Any], str]] = {
    OUT_OF_RANGE: (
        fc.categorical_column_with_identity("größe", 9),
        {"größe": tf.constant([[1], [11]])},
        OUT_OF_RANGE,
    ),
    OF_OTHER_LENGTH: (
        fc.weighted_categorical_column(WORDS, "weight's \\"),
        {
            "words": tf.ragged.constant([[1], [1]], dtype=tf.int64).to_sparse(),
            "weight's \\": tf.ragged.constant([[1.0], [1.0, 2.0]]).to_sparse(),
        },
        OF_OTHER_LENGTH,
    ),
}


@pytest.mark.parametrize("way", ["eager", "graph", "step", "fit"])
@pytest.mark.parametrize("wrong", WRONG.values(), ids=["range", "length"])
def test_an_assertion_is_told_as_it_was_written(wrong: tuple[Any, Any, str], way: str) -> None:
    """However it was cut into pieces and escaped."""
    column, features, expected = wrong
    features = {**features, "film": tf.constant([[1], [2]])}
    asked, labels = model(column), tf.constant([[0.0], [1.0]])
    calls = {
        "eager": lambda: asked(features),
        "graph": tf.function(lambda: asked(features)),
        "step": tf.function(lambda: asked.train_step((features, labels))),
        "fit": lambda: asked.fit(features, labels, batch_size=2, shuffle=False, verbose=0),
    }
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        calls[way]()
    assert read_error(caught.value) == expected


def test_a_word_in_brackets_stays() -> None:
    message = (
        "{{node A}} assertion failed: [`a` must be in [0, 1]. Received:] [2] [3]\n\t [[{{node A}}]]"
    )
    assert read_error(tf.errors.InvalidArgumentError(None, None, message)) == (
        "`a` must be in [0, 1]. Received: 2 3"
    )
