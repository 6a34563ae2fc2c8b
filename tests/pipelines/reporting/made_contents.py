"""A report's contents without a run: drawn numbers under real names."""

import numpy as np

import tfrs_afm
from pipelines.configuration.evaluation import Evaluation
from pipelines.evaluation.evaluate import activity, evaluate_predictions, evaluate_slices
from pipelines.reporting.contents import Contents, EvaluatedModel, ExplainedExample, PartSummary

FIELDS = ["user_id_embedding", "movie_id_embedding", "genres_embedding", "age_bucketized", "hour"]


def made_contents(size: int = 600) -> Contents:
    draw = np.random.default_rng(0)
    logits = draw.normal(0, 1.5, size)
    labels = (draw.random(size) < 1 / (1 + np.exp(-logits))).astype(float)
    scores = {
        "AFM": 1 / (1 + np.exp(-logits)),
        "logistic_regression": 1 / (1 + np.exp(-0.6 * logits - draw.normal(0, 0.8, size))),
        "popularity": np.clip(0.5 + 0.1 * logits + draw.normal(0, 0.2, size), 0.02, 0.98),
    }
    groups = draw.integers(0, 40, size)
    evaluation = Evaluation(bootstrap=60)
    genres = [
        [["war"], ["drama", "war"], ["comedy"], []][index] for index in draw.integers(0, 4, size)
    ]
    slices = {
        "user activity": activity(groups, draw.choice(45, 900, p=np.arange(45) / 990)),
        "genres": genres,
    }
    evaluated = {
        name: EvaluatedModel(
            score, evaluate_slices(slices, labels, score, groups, evaluation=evaluation)
        )
        for name, score in scores.items()
    }
    judgement = {
        name: evaluate_predictions(labels, score, groups, evaluation=evaluation)
        for name, score in scores.items()
    }
    attention = draw.random([5, 5])
    share = draw.normal(0, 0.3, [5, 5])
    attention, share = attention + attention.T, share + share.T
    np.fill_diagonal(attention, 0)
    np.fill_diagonal(share, 0)
    history = [
        {
            **{"epoch": epoch, "step": 40 * (epoch + 1)},
            **{"loss": 0.7 / (epoch + 1) ** 0.3, "val_loss": 0.72 / (epoch + 1) ** 0.2},
            **{"auc": 0.6 + 0.03 * epoch, "val_auc": 0.6 + 0.05 * epoch - 0.005 * epoch**2},
            **{"learning_rate": 0.01, "seconds": 12.5, "examples_per_second": 81234.5},
        }
        for epoch in range(8)
    ]
    parts = {
        FIELDS[0]: 0.31,
        "user_id_embedding & movie_id_embedding": 1.234,
        "movie_id_embedding & genres_embedding": -0.42,
        "bias": 0.05,
        **{f"pair {number}": 0.01 * number for number in range(7)},
    }
    return Contents(
        title="movielens-1m-afm",
        model="AFM",
        parts={
            "train": PartSummary(800_123, 0.575, 6040),
            "validation": PartSummary(100_000, 0.57, 5900),
            "test": PartSummary(size, float(labels.mean()), 40),
        },
        fields=[(name, "categorical_column_with_hash_bucket") for name in FIELDS],
        history=history,
        best_epoch=5,
        metrics={"validation": judgement, "test": judgement},
        part="test",
        labels=labels,
        weights=None,
        binary=True,
        probabilities=True,
        evaluated=evaluated,
        pairs=tfrs_afm.PairAverages(FIELDS, size, share, np.abs(share), attention, np.zeros(5)),
        examples=[
            ExplainedExample(
                story,
                float(index % 2),
                0.9 - 0.2 * index,
                {"user_id": "17", "movie_id": "1193", "genres": "war, drama"},
                parts,
            )
            for index, story in enumerate(
                [
                    "Sure and right: positive",
                    "Sure and right: negative",
                    "Worst miss",
                    "False alarm",
                ]
            )
        ],
        configuration={
            "data": {"source": "movielens-1m", "label": "rating", "positive_from": 4},
            "model": {"kind": "AFM", "dim": 16},
        },
        versions={"tfrs-afm": "0.1.0", "tensorflow": "2.21.0", "python": "3.11.7"},
    )
