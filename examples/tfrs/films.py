"""Made-up ratings and visits in the shape of MovieLens, with a planted truth.

There are three kinds of films, told by a word of the title, and of users, each with a taste for
one kind; the user's age goes with the taste. Crime is liked better in the second half of the time.
What a model finds can be held to that: no root mean squared error below `NOISE` is to be had, and
without the time none below about 0.38.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

KINDS = ["Love", "Space", "Crime"]
TITLES = [f"{KINDS[n % 3]} Story {n}" for n in range(30)]
USERS = [str(n) for n in range(1, 41)]
BEGIN, END = 874_724_710, 893_286_638  # seconds, as in MovieLens-100K
NOISE = 0.3


def ratings(count: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draws ratings: seven of ten are of films to the user's taste.

    Returns:
        Features by name, and the stars `(count,)`.
    """
    draw = np.random.default_rng(seed)
    user = draw.integers(len(USERS), size=count)
    kind = np.where(draw.random(count) < 0.7, user % 3, draw.integers(3, size=count))
    film = 3 * draw.integers(len(TITLES) // 3, size=count) + kind
    timestamp = draw.integers(BEGIN, END, size=count)
    features = {
        "user_id": np.array(USERS)[user],
        "movie_title": np.array(TITLES)[film],
        "timestamp": timestamp,
        "user_age": (20 + 15 * (user % 3) + draw.normal(0, 5, count)).astype(np.float32),
    }
    stars = liked(user, film, timestamp) + draw.normal(0, NOISE, count)
    return features, stars.astype(np.float32)


def liked(user: np.ndarray, film: np.ndarray, timestamp: np.ndarray) -> np.ndarray:
    """The planted truth: the stars of a film by its index, before the noise."""
    late_crime = (film % 3 == 2) & (timestamp > (BEGIN + END) / 2)
    return np.where(film % 3 == user % 3, 4.0, 2.25) + 0.8 * late_crime


def visits(count: int, seed: int) -> dict[str, Any]:
    """Draws what was seen and what came next: nine times of ten, the kind after that of the last.

    Returns:
        "history", a RaggedTensor of one to six titles, the newest last; and "movie_title".
    """
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, 7, size=count)
    seen = draw.integers(len(TITLES), size=lengths.sum())
    last = seen[np.cumsum(lengths) - 1]
    kind = np.where(draw.random(count) < 0.9, (last + 1) % 3, draw.integers(3, size=count))
    film = 3 * draw.integers(len(TITLES) // 3, size=count) + kind
    titles = np.array(TITLES)
    history = tf.RaggedTensor.from_row_lengths(titles[seen], lengths)
    return {"history": history, "movie_title": titles[film]}


def batches(features: Mapping[str, Any], labels: Any, size: int = 250) -> tf.data.Dataset:
    """Features and labels, batch by batch."""
    return tf.data.Dataset.from_tensor_slices((dict(features), labels)).batch(size)
