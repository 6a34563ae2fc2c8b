"""MovieLens-100K from raw ratings to answers of a served model: `make demo`."""

import argparse
import contextlib
import json
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.__main__ import load_tensorflow

MODEL = "ranker"
# Folder of a run -> its recipe, and what is another there.
RUNS: dict[str, tuple[str, list[str]]] = {
    "afm": ("movielens-100k-afm", []),
    "deepfm": ("movielens-100k-deepfm", []),
    "logistic-regression": (
        "movielens-100k-afm",
        [
            "model={kind = 'logistic_regression'}",
            "training.optimizer={kind = 'adam', learning_rate = 0.01, row_sparse = false}",
        ],
    ),
}
RANKERS = {"AFM": "afm", "DeepFM": "deepfm"}
METRICS = ("auc", "logloss", "grouped_auc", "ndcg_at_10")
ABOUT = """\
Get and prepare MovieLens-100K, train AFM, DeepFM and two baselines, evaluate them on the test
split, export, verify and publish the better model, serve it on this machine, and ask it over gRPC
and REST for the films that one user may like best. What an earlier run left and still holds is
used again.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the demo; returns the exit status."""
    parser = argparse.ArgumentParser("python -m examples.demo", description=ABOUT)
    parser.add_argument(
        "--small", action="store_true", help="train one epoch only, as CI does, in demo/small"
    )
    parser.add_argument("--out", type=Path, help="the folder for everything (default: demo)")
    parser.add_argument("--data-dir", type=Path, help="your own copy of the raw files")
    options = parser.parse_args(arguments)
    # As on Ctrl-C, clean up on the way out.
    before = signal.signal(signal.SIGTERM, stop)
    try:
        load_tensorflow()
        demo(options.out or Path("demo/small" if options.small else "demo/full"), options)
    except (ValueError, RuntimeError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, SystemExit):  # the latter where training takes SIGTERM itself
        print("stopped", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def demo(out: Path, options: argparse.Namespace) -> None:
    """Goes all the way, in the order in which a user of the packages would."""
    import serving
    from pipelines.evaluation.evaluate import metrics_table
    from pipelines.runs.run_folder import RunFolder

    parts: dict[str, dict[str, Any]] = {"validation": {}, "test": {}}
    for name in RUNS:
        metrics = trained(name, out, options)
        for part, found in parts.items():
            found |= metrics[part]
    # Each run has evaluated the popularity of films too, which is the same for all.
    parts["test"]["popularity"] = parts["test"].pop("popularity")
    numbers = {
        model.replace("_", " "): {name: row[name]["value"] for name in METRICS}
        for model, row in parts["test"].items()
    }
    print("On the test split, the newest tenth of the ratings (* the best of a column):\n")
    print(metrics_table(numbers, "user", mark_best=True))

    losses = {model: parts["validation"][model]["logloss"]["value"] for model in RANKERS}
    better, other = sorted(losses, key=lambda model: losses[model])
    run = RunFolder(out / RANKERS[better])
    version = published(out, run)
    print(
        f"\nPublished: {better}, for its logloss on the validation split, {losses[better]:.4f} "
        f"({other} {losses[other]:.4f}).\nThe test split has no say: it would flatter the model "
        f"that it chose.\n{version}"
    )
    with working("Starting the server"):
        base_path = version.parent.resolve()
        server_options = serving.ServerOptions(model_name=MODEL, model_base_path=base_path)
        server = serving.LocalServer(server_options).start()
    try:
        answer(server, version, run)
    finally:
        server.stop()
    print(f"\nThe report, for a browser: {reported(run)}\n\nNext:\n")
    recipe = RUNS[RANKERS[better]][0]
    for command in (
        f"serving serve --model_name={MODEL} --model_base_path={base_path}",
        f"pipelines evaluate --out {run.path}",
        f"pipelines train --config {recipe} --set model.dim=32 --out {out / 'wider'}",
    ):
        print(f"  .venv/bin/python -m {command}")


def reported(run: Any) -> Path:
    """Writes the report of a run, or finds it."""
    from pipelines.reporting.write_report import write_report

    file = run.path / "report.html"
    if not file.is_file():
        with working(f"Writing {file}"):
            write_report(run.configuration(), run.path)
    return file


def trained(name: str, out: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Trains a model, goes on where an earlier demo was stopped, or finds that it is done."""
    from pipelines.configuration.load_configuration import load_configuration
    from pipelines.preparation.prepare import prepare
    from pipelines.runs.run_folder import RunFolder
    from pipelines.runs.train_run import train_run

    recipe, changes = RUNS[name]
    changes = [*changes, *(["training.epochs=1"] if options.small else [])]
    if options.data_dir is not None:
        changes.append(f"data.path={options.data_dir.absolute()}")
    configuration = load_configuration(recipe, changes)
    if not (out / "data").is_dir():
        told(f"Getting and preparing the ratings: {out / 'data'}")
    spec = prepare(configuration, out / "data")
    folder = RunFolder(out / name)
    if (folder.path / "configuration.json").is_file() and (
        folder.configuration() != configuration or folder.run.get("data", spec.key) != spec.key
    ):
        shutil.rmtree(folder.path)  # of other files or hyper-parameters
    if not (folder.path / "metrics.json").is_file():
        told(f"Training and evaluating {name}: {folder.path}")
    return train_run(configuration, folder.path, resume=True, data=out / "data")


def published(out: Path, run: Any) -> Path:
    """Exports the better model, or finds the version that is of this very run."""
    import serving
    from pipelines.files.atomic import content_hash, write_text
    from pipelines.modelling.build_model import load_model

    note, key = out / "published.json", content_hash([run.model], {})
    if note.is_file():
        known = json.loads(note.read_text(encoding="utf-8"))
        version = out / "models" / MODEL / known["version"]
        if known["model"] == key and version.is_dir():
            return version
    with working("Exporting, verifying and publishing"):
        version = serving.export(
            load_model(run.checked_model()),
            out / "models" / MODEL,
            examples=some_examples(run, 16),
            candidate_features=run.configuration().export.candidate_features,
            keep_last=2,
        )
    write_text(note, json.dumps({"model": key, "version": version.name}) + "\n")
    return out / "models" / MODEL / version.name


def answer(server: Any, version: Path, run: Any) -> None:
    """Asks for the ten best films of one user, and why."""
    import serving

    configuration = run.configuration()
    names = configuration.export.candidate_features
    films = all_films(configuration.data)
    user = some_user(run, names)
    seen = set(user["history"])
    films_features = [
        {name: film[name] for name in names} for number, film in films.items() if number not in seen
    ]
    if not films_features:
        raise ValueError("`ratings` must leave the user a film. Received: a history of all films.")
    with (
        serving.Client(server.grpc_address, MODEL, version) as grpc,
        serving.Client(server.rest_url, MODEL, version) as rest,
    ):
        scores = grpc.rank(user, films_features)
        apart = abs(scores - rest.rank(user, films_features)).max()
        best = (-scores).argsort(kind="stable")[:10]
        rows = [{**user, **films_features[place]} for place in best]
        reasons = grpc.explain(rows)
    if apart > 1e-5:
        raise RuntimeError(
            f"REST must answer what gRPC answers. Received: scores that are {apart} apart."
        )
    print(f"Asked over gRPC ({server.grpc_address}) and REST ({server.rest_url}): one answer.\n")
    liked = "; ".join(films[number]["title"] for number in user["history"][:3])
    print(f"User {user['user_id'][0]}, {user['age'][0]} years old, last liked: {liked}.")
    print(f"The best of the other {len(films_features)} films, and the field pairs that decided:\n")
    for place, row, pairs in zip(best, rows, reasons, strict=True):
        title = films[row["movie_id"]]["title"][:38]
        why = ", ".join(
            f"{field(pair['fields'][0])} x {field(pair['fields'][1])} {pair['contribution']:+.2f}"
            for pair in pairs[:2]
        )
        print(f"{scores[place]:.3f}  {title:<38}  {why}")


def field(column: str) -> str:
    """The feature that a column is of."""
    for ending in ("_embedding", "_shared", "_bucketized"):
        column = column.removesuffix(ending)
    return column


def all_films(data: Any) -> dict[int, dict[str, Any]]:
    """Every film that was rated, by its number."""
    from pipelines.sources.source import find_source

    rows = find_source(data.source)(data.path and Path(data.path), data.settings)["train"]
    films = {row["movie_id"]: row for row in rows}
    return {number: films[number] for number in sorted(films)}


def some_examples(run: Any, count: int) -> list[Any]:
    """The first examples of the test split."""
    import tensorflow as tf

    (path, *_) = run.spec().files(run.data, "test")
    records = tf.data.TFRecordDataset(str(path)).take(count).as_numpy_iterator()
    return [tf.train.Example.FromString(record) for record in records]


def some_user(run: Any, of_films: Sequence[str]) -> dict[str, list[Any]]:
    """The user's side of a late example of the test split, of a user who has liked films before."""
    import tensorflow as tf

    spec = run.spec()
    (path, *_) = spec.files(run.data, "test")
    found: dict[str, list[Any]] = {}
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        if len(features["history"].int64_list.value) >= min(5, len(found.get("history", []))):
            found = {
                name: list(getattr(feature, feature.WhichOneof("kind")).value)
                for name, feature in features.items()
                if name not in (*of_films, spec.label)
            }
    return {"history": [], **found}


def told(text: str) -> None:
    """Says what is done where nobody sees bars: in a file, or a pipe."""
    if not sys.stderr.isatty():
        print(f"{text} ...", file=sys.stderr, flush=True)


@contextlib.contextmanager
def working(text: str) -> Iterator[None]:
    """Shows people that something long goes on."""
    told(text)
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


def stop(number: int, frame: Any) -> None:
    """Makes SIGTERM what Ctrl-C is."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
