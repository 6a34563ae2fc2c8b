"""MovieLens-100K from raw ratings to answers of a served model: `make demo`."""

import argparse
import contextlib
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipelines.load_tensorflow import load_tensorflow

# What a film brings along when films are ranked for a user; all else is the user's.
FILM_FEATURES = ("movie_id", "release_year", "genres")
MODEL = "ranker"
NAMES = {"afm": "AFM", "deepfm": "DeepFM", "logistic_regression": "logistic regression"}
ABOUT = """\
Get and prepare MovieLens-100K, train AFM, DeepFM and two baselines, judge them on the test part,
export, verify and publish the better model, serve it on this machine, and ask it over gRPC and REST
for the films that one user may like best. What an earlier run left and still holds is used again.
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
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def demo(out: Path, options: argparse.Namespace) -> None:
    """Goes all the way, in the order in which a user of the packages would."""
    import serving
    from pipelines.evaluation.metrics_table import metrics_table
    from pipelines.recipes.movielens_100k.prepare import prepare
    from pipelines.recipes.movielens_100k.settings import Settings
    from pipelines.recipes.movielens_100k.train import train

    prepare(out / "data", options.data_dir)
    run = train(out / "data", out / "run", Settings(epochs=1) if options.small else Settings())
    metrics = {NAMES.get(name, name): row for name, row in run.metrics["test"].items()}
    print("On the test part, the newest tenth of the ratings:\n")
    print(metrics_table(metrics, "user"))

    version = published(out, run)
    print(f"\n{NAMES[run.best]} is better on the validation part. Published: {version}")
    with working("Starting the server"):
        base_path = version.parent.resolve()
        options = serving.ServerOptions(model_name=MODEL, model_base_path=base_path)
        server = serving.LocalServer(options).start()
    try:
        answer(server, version, out / "data")
    finally:
        server.stop()


def published(out: Path, run: Any) -> Path:
    """Exports the better model, or finds the version that is of this very run."""
    import serving
    from pipelines.files.write_text import write_text
    from pipelines.recipes.movielens_100k.load import load

    note = out / "published.json"
    if note.is_file():
        known = json.loads(note.read_text(encoding="utf-8"))
        version = out / "models" / MODEL / known["version"]
        if known["run"] == run.key and version.is_dir():
            return version
    model = load(run.best, out / "data", out / "run")
    with working("Exporting, verifying and publishing"):
        version = serving.export(
            model,
            out / "models" / MODEL,
            examples=some_examples(out / "data", 16),
            candidate_features=FILM_FEATURES,
            keep_last=2,
        )
    write_text(note, json.dumps({"run": run.key, "version": version.name}) + "\n")
    return out / "models" / MODEL / version.name


def answer(server: Any, version: Path, data: Path) -> None:
    """Asks for the ten best films of one user, and why."""
    import serving

    films = json.loads((data / "films.json").read_text(encoding="utf-8"))
    user = some_user(data)
    seen = set(user["history"])
    films_features = [
        {"movie_id": int(number), "release_year": film["release_year"], "genres": film["genres"]}
        for number, film in films.items()
        if int(number) not in seen
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
    liked = "; ".join(films[str(number)]["title"] for number in user["history"][:3])
    print(f"User {user['user_id'][0]}, {user['age'][0]} years old, last liked: {liked}.")
    print(f"The best of the other {len(films_features)} films, and the field pairs that decided:\n")
    for place, row, pairs in zip(best, rows, reasons, strict=True):
        title = films[str(row["movie_id"])]["title"][:38]
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


def some_examples(data: Path, count: int) -> list[Any]:
    """The first examples of the test part."""
    import tensorflow as tf

    from pipelines.preparation.feature_spec import FeatureSpec

    (path, *_) = FeatureSpec.read(data).files(data, "test")
    records = tf.data.TFRecordDataset(str(path)).take(count).as_numpy_iterator()
    return [tf.train.Example.FromString(record) for record in records]


def some_user(data: Path) -> dict[str, list[Any]]:
    """The user's side of a late example of the test part, of a user who has liked films before."""
    import tensorflow as tf

    from pipelines.preparation.feature_spec import FeatureSpec

    (path, *_) = FeatureSpec.read(data).files(data, "test")
    found: dict[str, list[Any]] = {}
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        if len(features["history"].int64_list.value) >= min(5, len(found.get("history", []))):
            found = {
                name: list(getattr(feature, feature.WhichOneof("kind")).value)
                for name, feature in features.items()
                if name not in (*FILM_FEATURES, "label", "history_age")
            }
    return {"history": [], **found}


@contextlib.contextmanager
def working(text: str) -> Iterator[None]:
    """Shows people that something long goes on."""
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
