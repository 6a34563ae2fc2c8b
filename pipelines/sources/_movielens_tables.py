"""MovieLens as three tables, the same whatever files it came from."""

import dataclasses

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class MovieLensTables:
    """Users, films and ratings of MovieLens-100K.

    Attributes:
        users: User id -> its `User`.
        films: Film id -> its `Film`.
        user_ids: `(ratings,)` int64, who rated.
        movie_ids: `(ratings,)` int64, which film.
        ratings: `(ratings,)` float32, one to five stars.
        times: `(ratings,)` int64, seconds since 1970.
    """

    @dataclasses.dataclass(frozen=True)
    class User:
        """What is known of a user: years of age, gender, occupation, zip code."""

        age: int
        gender: str
        occupation: str
        zip_code: str

    @dataclasses.dataclass(frozen=True)
    class Film:
        """What is known of a film: title without its year, year (None if unknown), genres."""

        title: str
        release_year: int | None
        genres: tuple[str, ...]

    users: dict[int, User]
    films: dict[int, Film]
    user_ids: NDArray[np.int64]
    movie_ids: NDArray[np.int64]
    ratings: NDArray[np.float32]
    times: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Checks that each rating is by a known user of a known film.

        Raises:
            ValueError: If there is no rating, or one names an unknown user or film.
        """
        if not len(self.times):
            raise ValueError("`ratings` must have rows. Received: none. Check the ratings file.")
        for name, ids, known in (
            ("user_id", self.user_ids, self.users),
            ("movie_id", self.movie_ids, self.films),
        ):
            unknown = ~np.isin(ids, np.fromiter(known, np.int64, len(known)))
            if unknown.any():
                row = int(np.argmax(unknown))
                raise ValueError(
                    f"`{name}` must be in its table. Received: {name}={ids[row]} in rating {row}. "
                    "Take the three files from one copy of MovieLens-100K."
                )
