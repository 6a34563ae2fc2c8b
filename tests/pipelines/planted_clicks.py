"""Clicks whose rate depends on user and film together, as a CSV file and its configuration."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.configuration.configuration import Configuration


def write_clicks(path: Path, rows: int = 600, seed: int = 0) -> Path:
    draw = np.random.default_rng(seed)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user_id", "film_id", "genres", "age", "clicked"])
        for _ in range(rows):
            user, film = int(draw.integers(20)), int(30 * draw.random() ** 2)
            rate = 0.9 if (user + film) % 2 else 0.15
            genres = "|".join(draw.choice(["war", "drama", "noir"], draw.integers(0, 3)))
            writer.writerow([user, film, genres, user + 18, int(draw.random() < rate)])
    return path


def clicks_configuration(path: Path, **sections: Any) -> Configuration:
    return Configuration.model_validate(
        {
            "data": {
                "format": "csv",
                "train": str(path),
                "split": {"by": "random", "fractions": [0.6, 0.2, 0.2], "seed": 1},
                "label": "clicked",
                "group": "user_id",
                "lists": {"genres": "|"},
                "batch_size": 64,
            },
            "columns": [
                {
                    "kind": "categorical_column_with_vocabulary_list",
                    "key": "user_id",
                    "dtype": "int64",
                },
                {
                    "kind": "categorical_column_with_vocabulary_list",
                    "key": "film_id",
                    "dtype": "int64",
                },
                {
                    "kind": "categorical_column_with_vocabulary_list",
                    "key": "genres",
                    "dtype": "string",
                },
                {"kind": "numeric_column", "key": "age", "normalizer": "standard"},
            ],
            "model": {"kind": "AFM", "dim": 4, "attention_units": 4},
            "training": {"epochs": 2, "optimizer": {"kind": "adam", "learning_rate": 0.05}},
            "evaluation": {
                "bootstrap": 50,
                "slices": ["genres"],
                "user": "user_id",
                "item": "film_id",
            },
            **sections,
        }
    )
