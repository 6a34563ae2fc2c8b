"""How good are the models of the recipes, beside published numbers?

Usage: python -m benchmarks.accuracy --data-dir FOLDER [--out FOLDER] [--only RECIPE ...]

Trains each recipe with the seeds 1, 2, 3 and writes the table of benchmarks/accuracy.md again from
all runs that are in --out: a run that is there already is not repeated, and one that was stopped
goes on. FOLDER holds the raw data sets: frappe, adult, ml-1m, lastfm, criteo-sample.
"""

import argparse
import dataclasses
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pipelines.configuration.load_configuration import load_configuration
from pipelines.files.atomic import write_text
from pipelines.runs.train_run import train_run

_PAGE = Path(__file__).with_suffix(".md")
_MARKS = ("<!-- table -->", "<!-- end of table -->")
_LESS_IS_BETTER = ("logloss", "rmse")


@dataclasses.dataclass(frozen=True)
class Row:
    """A recipe and what is published for its data: metric -> (names and numbers, wanted).

    Without a folder the recipe finds or makes its data itself.
    """

    recipe: str
    data: str
    folder: str | None
    metrics: dict[str, tuple[str, float | None]]
    overrides: tuple[str, ...] = ()


ROWS = [
    Row(
        "frappe-afm",
        "Frappe, dim 10",
        "frappe",
        {"auc": ("AFM .9697", 0.975), "logloss": ("AFM .2264", None)},
    ),
    Row(
        "frappe-deepfm",
        "Frappe, dim 10",
        "frappe",
        {"auc": ("DeepFM .98395", 0.9845), "logloss": ("DeepFM .1495", 0.140)},
    ),
    Row(
        "frappe-afm-deep",
        "Frappe, dim 10",
        "frappe",
        {"auc": ("FinalMLP .9861", 0.986), "logloss": ("FinalNet .1311", None)},
    ),
    Row(
        "frappe-afm-rmse",
        "Frappe, dim 256, labels -1 and 1",
        "frappe",
        {"rmse": ("AFM .3102, NFM .3095", 0.305)},
    ),
    Row(
        "adult-afm",
        "Adult, standard split",
        "adult",
        {
            "accuracy": ("AutoInt .8589, FT-Transformer .8587, CatBoost .8727", 0.860),
            "auc": ("AutoInt .9125, FT-Transformer .9135, CatBoost .9276", 0.915),
            "logloss": ("", None),
        },
    ),
    Row(
        "adult-deepfm",
        "Adult, standard split",
        "adult",
        {
            "accuracy": ("as above", 0.860),
            "auc": ("as above", 0.915),
            "logloss": ("", None),
        },
    ),
    Row(
        "adult-notebook",
        "Adult, a fifth of `adult.data`",
        "adult",
        {"accuracy": ("", None), "auc": ("", None), "logloss": ("", None)},
    ),
    Row(
        "movielens-1m-deepfm",
        "MovieLens-1M, likes",
        "ml-1m",
        {
            "auc": ("DeepFM .8932, DCN-Mix .8964", 0.894),
            "logloss": ("DeepFM .3202, DCN-Mix .3160", 0.318),
        },
    ),
    Row(
        "movielens-1m-fm",
        "MovieLens-1M, likes",
        "ml-1m",
        {
            "auc": ("DeepFM .8932, DCN-Mix .8964", 0.894),
            "logloss": ("DeepFM .3202, DCN-Mix .3160", 0.318),
        },
    ),
    Row(
        "lastfm-fm",
        "LastFM, 99 given negatives",
        "lastfm",
        {
            "hit_rate_at_10": ("FM .1578, AutoInt .2596, SASRec .4706, S3-Rec .5835", 0.40),
            "ndcg_at_10": ("FM .0753, AutoInt .1285, SASRec .2755, S3-Rec .3583", 0.22),
        },
    ),
    Row(
        "movielens-1m-ranking",
        "MovieLens-1M, 99 drawn films",
        "ml-1m",
        {"hit_rate_at_10": ("AFM .2565", None), "ndcg_at_10": ("AFM .1429", None)},
    ),
    *(
        Row(
            f"movielens-100k-{model}",
            "MovieLens-100K, by time",
            None,
            {
                "auc": ("", None),
                "logloss": ("", None),
                "grouped_auc": ("", None),
                "ndcg_at_10": ("", None),
            },
        )
        for model in ("afm", "deepfm")
    ),
    Row(
        "criteo-deepfm",
        "Criteo, the first 10,000 rows",
        "criteo-sample",
        {"auc": ("", None), "logloss": ("", None)},
        ('data.settings.file="criteo_first10k.tsv"',),
    ),
    Row(
        "synthetic-afm",
        "Made up: parity of two ids",
        None,
        {"auc": ("1, by construction", 0.99), "logloss": ("0, by construction", None)},
    ),
]


def run(row: Row, data_dir: Path, out: Path, seed: int) -> None:
    """Trains and evaluates one seed of a recipe, unless that is done."""
    overrides = [*row.overrides, f"training.seed={seed}", "evaluation.bootstrap=0"]
    if row.folder is not None:
        overrides.append(f'data.path="{(data_dir / row.folder).absolute()}"')
    folder = out / row.recipe / f"seed-{seed}"
    started = time.monotonic()
    train_run(
        load_configuration(row.recipe, overrides),
        folder,
        resume=True,
        data=out / row.recipe / "data",
    )
    seconds = folder / "seconds.json"
    if not seconds.exists():  # a run that was stopped tells the time of its last part only
        write_text(seconds, json.dumps(time.monotonic() - started))


def measured(row: Row, out: Path) -> tuple[str, list[dict[str, float]], list[float]]:
    """The split that was evaluated, the metrics of each seed, and seconds."""
    metrics, seconds, part = [], [], ""
    for folder in sorted((out / row.recipe).glob("seed-*")):
        if not (folder / "seconds.json").exists():
            continue
        parts: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
        part = "test" if "test" in parts else "validation"
        model = load_configuration(row.recipe).model.kind
        metrics.append({name: one["value"] for name, one in parts[part][model].items()})
        seconds.append(json.loads((folder / "seconds.json").read_text()))
    return part, metrics, seconds


def table(out: Path, former: str = "") -> str:
    """All recipes that were run, as Markdown; of the others the rows that a former table has."""
    lines = [
        "| data | part | recipe | metric | ours, mean | spread | seeds | published | wanted | met "
        "| s a seed |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        part, metrics, seconds = measured(row, out)
        if not metrics:
            cell = f" | `{row.recipe}` | "
            lines += [line for line in former.splitlines() if cell in line]
        for name, (published, wanted) in row.metrics.items() if metrics else ():
            values = [one[name] for one in metrics]
            mean, spread = statistics.fmean(values), max(values) - min(values)
            met = ""
            if wanted is not None:
                less = name in _LESS_IS_BETTER
                met = "yes" if (mean <= wanted if less else mean >= wanted) else "**no**"
            cells = [
                row.data,
                part,
                f"`{row.recipe}`",
                name,
                f"{mean:.4f}",
                f"{spread:.4f}",
                str(len(values)),
                published,
                "" if wanted is None else f"{wanted:g}",
                met,
                f"{statistics.fmean(seconds):.0f}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the raw data sets")
    parser.add_argument("--out", type=Path, default=Path("runs/accuracy"), help="folder of runs")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each recipe")
    parser.add_argument("--only", nargs="+", choices=[row.recipe for row in ROWS], default=[])
    options = parser.parse_args()
    for row in ROWS:
        for seed in range(1, options.seeds + 1):
            if not options.only or row.recipe in options.only:
                print(f"{row.recipe}, seed {seed}", flush=True)
                run(row, options.data_dir, options.out, seed)
                text = _PAGE.read_text()
                before, _, rest = text.partition(_MARKS[0])
                former, _, after = rest.partition(_MARKS[1])
                block = f"{_MARKS[0]}\n{table(options.out, former)}\n{_MARKS[1]}"
                write_text(_PAGE, before + block + after)
    print(table(options.out))


if __name__ == "__main__":
    main()
