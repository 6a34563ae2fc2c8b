"""How good are the models of the recipes, beside published numbers?

Usage: python -m benchmarks.accuracy --data-dir FOLDER [--out FOLDER] [--only RECIPE ...]

Trains each recipe with the seeds 1, 2, 3 and writes the table of benchmarks/accuracy.md again from
all runs that are in --out: a run that is there already is not repeated, and one that was stopped
goes on. Each number stands beside the published one of the same part: validation beside validation,
test beside test. Copies of the runs that predict probabilities are calibrated on the validation
split, for a second table. FOLDER holds the raw data sets: frappe, adult, ml-1m, lastfm,
criteo-sample.
"""

import argparse
import dataclasses
import json
import os
import shutil
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pipelines.configuration.load_configuration import load_configuration
from pipelines.files.atomic import write_text
from pipelines.runs.train_run import train_run

_PAGE = Path(__file__).with_suffix(".md")
_MARKS = ("<!-- table -->", "<!-- end of table -->")
_CALIBRATION_MARKS = ("<!-- calibration -->", "<!-- end of calibration -->")
_CALIBRATIONS = ("temperature", "isotonic")
_LESS_IS_BETTER = ("logloss", "rmse")


@dataclasses.dataclass(frozen=True)
class Metric:
    """What is published of a metric, and what is wanted.

    Attributes:
        name: As `metrics.json` names it.
        test: Names and numbers on the test part.
        validation: Names and numbers on the validation part.
        wanted: The number to reach, on the part that `wanted_on` names.
        wanted_on: "test" or "validation".
    """

    name: str
    test: str = ""
    validation: str = ""
    wanted: float | None = None
    wanted_on: str = "test"

    def published(self, part: str) -> str:
        """Names and numbers on a part."""
        return self.test if part == "test" else self.validation


@dataclasses.dataclass(frozen=True)
class Row:
    """A recipe and what is published for its data.

    Without a folder the recipe finds or makes its data itself.
    """

    recipe: str
    data: str
    folder: str | None
    metrics: tuple[Metric, ...]
    overrides: tuple[str, ...] = ()


def _names(*names: str) -> tuple[Metric, ...]:
    """Metrics of which nothing comparable is published."""
    return tuple(map(Metric, names))


_ADULT = (
    Metric(
        "accuracy",
        "AutoInt .8589, FT-Transformer .8587, CatBoost .8727, tuned ensemble .8742",
        wanted=0.8742,
    ),
    Metric(
        "auc",
        "AutoInt .9125, FT-Transformer .9135, CatBoost .9276, ensemble .9283",
        wanted=0.9285,
    ),
    Metric("logloss"),
)
_LIKES = (
    Metric("auc", "DeepFM .8932, DCN-Mix .8964", wanted=0.900),
    Metric("logloss", "DeepFM .3202, DCN-Mix .3160", wanted=0.312),
)
_LEADERS = (
    ("FinalMLP .98607, FinalNet .98574, DESTINE .98563", "FinalNet .98675, FinalMLP .98663"),
    ("FinalMLP .14842, FinalNet .13107, DESTINE .14342", "FinalNet .12713, FinalMLP .14485"),
)

ROWS = [
    Row(
        "frappe-afm",
        "Frappe, dim 10",
        "frappe",
        (
            Metric("auc", "AFM .9697", "AFM .9714", 0.978, "validation"),
            Metric("logloss", "AFM .2264", "AFM .2182", 0.17, "validation"),
        ),
    ),
    Row(
        "frappe-deepfm",
        "Frappe, dim 10",
        "frappe",
        (
            Metric("auc", "DeepFM .98395", "DESTINE .98530", 0.9855, "validation"),
            Metric("logloss", "DeepFM .1495", "DESTINE .14574", 0.135, "validation"),
        ),
    ),
    *(
        Row(
            recipe,
            "Frappe, dim 10",
            "frappe",
            (
                Metric("auc", *_LEADERS[0], 0.9867, "validation"),
                Metric("logloss", *_LEADERS[1], 0.127, "validation"),
            ),
        )
        for recipe in ("frappe-afm-deep", "frappe-best")
    ),
    Row(
        "frappe-afm-rmse",
        "Frappe, dim 256, labels -1 and 1",
        "frappe",
        (
            Metric(
                "rmse",
                "AFM .3102, NFM .3095",
                "AFM .3180 (authors' log, epoch 14 of 100)",
                0.310,
                "validation",
            ),
        ),
    ),
    Row("adult-afm", "Adult, standard split", "adult", _ADULT),
    Row("adult-deepfm", "Adult, standard split", "adult", _ADULT),
    Row(
        "adult-notebook",
        "Adult, a fifth of `adult.data`",
        "adult",
        _names("accuracy", "auc", "logloss"),
    ),
    Row("movielens-1m-deepfm", "MovieLens-1M, likes", "ml-1m", _LIKES),
    Row("movielens-1m-fm", "MovieLens-1M, likes", "ml-1m", _LIKES),
    Row(
        "movielens-1m-genres",
        "MovieLens-1M, likes, seven fields with genres",
        "ml-1m",
        (
            Metric("auc", "FCN .9074, DCNv2 .9056, DeepFM .9051", wanted=0.9075),
            Metric("logloss", "FCN .3001, FinalMLP .3058, DeepFM .3073", wanted=0.300),
        ),
    ),
    Row(
        "lastfm-fm",
        "LastFM, 99 given negatives",
        "lastfm",
        (
            Metric(
                "hit_rate_at_10",
                "FM .1578, AutoInt .2596, SASRec .4706, S3-Rec .5835",
                wanted=0.584,
            ),
            Metric(
                "ndcg_at_10",
                "FM .0753, AutoInt .1285, SASRec .2755, S3-Rec .3583",
                wanted=0.358,
            ),
        ),
    ),
    Row(
        "movielens-1m-ranking",
        "MovieLens-1M, 99 drawn films",
        "ml-1m",
        (Metric("hit_rate_at_10", "AFM .2565"), Metric("ndcg_at_10", "AFM .1429")),
    ),
    *(
        Row(
            f"movielens-100k-{model}",
            "MovieLens-100K, by time",
            None,
            _names("auc", "logloss", "grouped_auc", "ndcg_at_10"),
        )
        for model in ("afm", "deepfm")
    ),
    Row(
        "criteo-deepfm",
        "Criteo, the first 10,000 rows",
        "criteo-sample",
        _names("auc", "logloss"),
        ('data.settings.file="criteo_first10k.tsv"',),
    ),
    Row(
        "synthetic-afm",
        "Made up: parity of two ids",
        None,
        (
            Metric("auc", "1, by construction", wanted=0.99),
            Metric("logloss", "0, by construction"),
        ),
    ),
]


def run(row: Row, data_dir: Path, out: Path, seed: int) -> None:
    """Trains and evaluates one seed of a recipe, unless that is done."""
    overrides = [*row.overrides, f"training.seed={seed}", "evaluation.bootstrap=0"]
    if row.folder is not None:
        overrides.append(f'data.path="{(data_dir / row.folder).absolute()}"')
    names = load_configuration(row.recipe, overrides).evaluation.metrics or ()
    if "logloss" in names:  # all that are asked for; by default the calibration error is among them
        overrides.append(f"evaluation.metrics={json.dumps([*names, 'calibration_error'])}")
    folder, data = out / row.recipe / f"seed-{seed}", out / row.recipe / "data"
    started = time.monotonic()
    train_run(load_configuration(row.recipe, overrides), folder, resume=True, data=data)
    seconds = folder / "seconds.json"
    if not seconds.exists():  # a run that was stopped tells the time of its last part only
        write_text(seconds, json.dumps(time.monotonic() - started))
    if not _tells_probabilities(folder):
        return
    for kind in _CALIBRATIONS:
        copy = out / row.recipe / kind / folder.name
        if not copy.exists():
            # A run that has ended gets its calibration when it goes on.
            shutil.copytree(folder, begun := copy.with_suffix(".begun"), dirs_exist_ok=True)
            given = [*overrides, f'training.calibration="{kind}"']
            train_run(load_configuration(row.recipe, given), begun, resume=True, data=data)
            begun.rename(copy)


def _tells_probabilities(folder: Path) -> bool:
    """Whether a run's evaluation looked at probabilities, and not at an order or a number."""
    metrics = json.loads((folder / "metrics.json").read_text())
    return all("calibration_error" in one for part in metrics.values() for one in part.values())


def calibration_table(out: Path, former: str = "") -> str:
    """Calibration error and AUC before and after, as Markdown; of runs not here as before."""
    kinds = ("before", *_CALIBRATIONS)
    lines = [
        _line(
            (
                *("recipe", "part", "seeds"),
                *(f"calibration error, {kind}" for kind in kinds),
                *(f"AUC, {kind}" for kind in kinds),
            )
        )
    ]
    lines.append(_line(["---"] * (3 + 2 * len(kinds))))
    for row in ROWS:
        base = out / row.recipe
        seeds = [one.name for one in sorted((base / _CALIBRATIONS[-1]).glob("seed-?"))]
        if not seeds:
            lines += [line for line in former.splitlines() if f"| `{row.recipe}` |" in line]
            continue
        read = [
            [json.loads((base / kind / seed / "metrics.json").read_text()) for seed in seeds]
            for kind in (".", *_CALIBRATIONS)
        ]
        part = "test" if "test" in read[0][0] else "validation"
        model = load_configuration(row.recipe).model.kind
        means = [
            f"{statistics.fmean(one[part][model][name]['value'] for one in runs):.5f}"
            for name in ("calibration_error", "auc")
            for runs in read
        ]
        lines.append(_line((f"`{row.recipe}`", part, str(len(seeds)), *means)))
    return "\n".join(lines)


def measured(row: Row, out: Path) -> dict[tuple[str, str], tuple[str, ...]]:
    """(Part, metric) -> mean, spread, number of seeds and seconds a seed, as text.

    Of the test part, and of the validation part where there is no other, or a published number.
    """
    runs, seconds = [], []
    for folder in sorted((out / row.recipe).glob("seed-*")):
        if (folder / "seconds.json").exists():
            runs.append(json.loads((folder / "metrics.json").read_text()))
            seconds.append(json.loads((folder / "seconds.json").read_text()))
    if not runs:
        return {}
    model = load_configuration(row.recipe).model.kind
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for metric in row.metrics:
        for part in ("validation", "test"):
            if part not in runs[0] or (
                part == "validation" and "test" in runs[0] and not metric.validation
            ):
                continue
            values = [one[part][model][metric.name]["value"] for one in runs]
            mean, spread = statistics.fmean(values), max(values) - min(values)
            took = f"{statistics.fmean(seconds):.0f}"
            found[part, metric.name] = (f"{mean:.4f}", f"{spread:.4f}", str(len(values)), took)
    return found


_HEADINGS = (
    *("data", "part", "recipe", "metric", "ours, mean", "spread", "seeds"),
    *("published, same part", "wanted", "met", "s a seed", "command"),
)


def table(out: Path, former: str = "") -> str:
    """All recipes that were run, as Markdown; of the others the numbers of a former table."""
    lines = [_line(_HEADINGS), _line(["---"] * len(_HEADINGS))]
    before = {
        (cells[2].strip("`"), cells[1], cells[3]): (*cells[4:7], cells[10])
        for cells in (
            [cell.strip() for cell in line.strip("|").split("|")] for line in former.splitlines()
        )
        if len(cells) > 10
    }
    for row in ROWS:
        found = measured(row, out) or {
            key[1:]: numbers for key, numbers in before.items() if key[0] == row.recipe
        }
        known = {metric.name: metric for metric in row.metrics}
        for (part, name), (mean, spread, seeds, took) in found.items():
            metric = known[name]
            wanted = metric.wanted if metric.wanted_on == part else None
            met = ""
            if wanted is not None:
                less = name in _LESS_IS_BETTER
                reached = float(mean) <= wanted if less else float(mean) >= wanted
                met = "yes" if reached else "**no**"
            lines.append(
                _line(
                    [
                        *(row.data, part, f"`{row.recipe}`", name, mean, spread, seeds),
                        *(metric.published(part), "" if wanted is None else f"{wanted:g}", met),
                        *(took, f"`{_COMMAND} --only {row.recipe}`"),
                    ]
                )
            )
    return "\n".join(lines)


_COMMAND = "python -m benchmarks.accuracy --data-dir FOLDER"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


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
                for marks, made in ((_MARKS, table), (_CALIBRATION_MARKS, calibration_table)):
                    before, _, rest = text.partition(marks[0])
                    former, _, after = rest.partition(marks[1])
                    block = f"{marks[0]}\n{made(options.out, former)}\n{marks[1]}"
                    text = before + block + after
                write_text(_PAGE, text)
    print(table(options.out), calibration_table(options.out), sep="\n\n")


if __name__ == "__main__":
    main()
