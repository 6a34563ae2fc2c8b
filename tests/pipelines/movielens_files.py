"""A small made-up MovieLens, written in both forms in which the real one is found."""

import random
from collections.abc import Sequence
from pathlib import Path

GENRES = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|"
    "Film-Noir|Horror|Musical|Mystery|Romance|Sci-Fi|Thriller|War|Western"
)
USERS = {
    1: (24, "M", "technician", "85711"),
    2: (53, "F", "other", "94043"),
    3: (7, "M", "student", "V3N4P"),
    4: (33, "F", "writer", "15213"),
}
FILMS: dict[int, tuple[str, int | None, tuple[str, ...]]] = {
    1: ("Toy Story", 1995, ("Animation", "Children's", "Comedy")),
    2: ("Misérables, Les", 1995, ("Drama", "Musical")),
    3: ("unknown", None, ()),
    4: ("City of Lost Children, The (Cité des enfants perdus, La)", 1995, ("Sci-Fi",)),
    5: ("Metropolis", 1926, ("Sci-Fi",)),
    7: ("Alien", 1979, ("Action", "Horror", "Sci-Fi", "Thriller")),
}
Log = Sequence[tuple[int, int, int, int]]


def log(num_ratings: int, seed: int) -> list[tuple[int, int, int, int]]:
    """Ratings `(user, film, stars, time)`, many of them at one time, as the real ones are."""
    draw = random.Random(seed)
    return [
        (
            draw.choice(list(USERS)),
            draw.choice(list(FILMS)),
            draw.randint(1, 5),
            880000000 + 4000 * draw.randrange(num_ratings),
        )
        for _ in range(num_ratings)
    ]


def write_recbole(folder: Path, ratings: Log) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    inter = ["user_id:token\titem_id:token\trating:float\ttimestamp:float"]
    inter += ["\t".join(map(str, rating)) for rating in ratings]
    item = ["item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq"]
    for movie_id, (title, year, genres) in FILMS.items():
        item.append(f"{movie_id}\t{title}\t{year or 'unkonwn'}\t{' '.join(genres) or 'unknown'}")
    user = ["user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token"]
    user += ["\t".join(map(str, (user_id, *known))) for user_id, known in USERS.items()]
    for name, lines in (("inter", inter), ("item", item), ("user", user)):
        (folder / f"ml-100k.{name}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def write_grouplens(folder: Path, ratings: Log) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    data = ["\t".join(map(str, rating)) for rating in ratings]
    item = []
    for movie_id, (title, year, genres) in FILMS.items():
        flags = ["1" if g in (genres or ("unknown",)) else "0" for g in GENRES.split("|")]
        shown, date = (f"{title} ({year})", f"01-Jan-{year}") if year else (title, "")
        item.append("|".join([str(movie_id), shown, date, "", "http://film", *flags]))
    user = ["|".join(map(str, (user_id, *known))) for user_id, known in USERS.items()]
    for name, lines in (("data", data), ("item", item), ("user", user)):
        (folder / f"u.{name}").write_text("\n".join(lines) + "\n", encoding="latin-1")
    return folder
