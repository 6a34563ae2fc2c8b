"""A small log of clicks as CSV, and a configuration for it."""

import random
from pathlib import Path

CONFIGURATION = """\
[data]
format = "csv"
train = "clicks.csv"
split = {by = "random", fractions = [0.6, 0.2, 0.2], seed = 1}
label = "clicked"
group = "user_id"
lists = {tags = "|"}
batch_size = 64

[[columns]]
kind = "categorical_column_with_hash_bucket"
key = "user_id"
hash_bucket_size = 100

[[columns]]
kind = "categorical_column_with_hash_bucket"
key = "item_id"
hash_bucket_size = 100

[[columns]]
kind = "categorical_column_with_vocabulary_list"
key = "tags"
"""


def log(count: int = 400, seed: int = 0) -> list[str]:
    """Lines of `user_id,item_id,clicked,tags`: who likes a tag clicks on what has it."""
    draw = random.Random(seed)
    lines = []
    for _ in range(count):
        user, item = draw.randrange(20), draw.randrange(30)
        clicked = int((user + item) % 3 == 0) if draw.random() < 0.9 else draw.randrange(2)
        tags = [tag for n, tag in enumerate(("new", "red", "sale")) if (item + n) % 3 == 0]
        lines.append(f"u{user},i{item},{clicked},{'|'.join(tags)}")
    return lines


def write_clicks(folder: Path, lines: list[str] | None = None, text: str = CONFIGURATION) -> Path:
    """Writes `clicks.csv` and `clicks.toml`; returns the path of the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = log() if lines is None else lines
    content = "\n".join(["user_id,item_id,clicked,tags", *rows]) + "\n"
    (folder / "clicks.csv").write_text(content, encoding="utf-8")
    (folder / "clicks.toml").write_text(text, encoding="utf-8")
    return folder / "clicks.toml"
