"""MovieLens-100K from raw ratings to answers from a served model: the program behind `make demo`.

Gets and prepares the ratings, trains AFM, DeepFM and two baselines, publishes the better model,
serves it on a free loopback port, asks it over gRPC and REST, and prints the metrics and one user's
top films with the field pairs that decided. A second run takes up what is there already.
"""

import argparse
import json
import pathlib
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipelines.load_tensorflow import load_tensorflow

load_tensorflow()

import numpy as np
import tensorflow as tf

import serving
import tfrs_afm
from pipelines.evaluation.metrics_table import metrics_table
from pipelines.files.write_text import write_text
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.recipes.movielens_100k.load import load
from pipelines.recipes.movielens_100k.prepare import prepare
from pipelines.recipes.movielens_100k.run import Run
from pipelines.recipes.movielens_100k.settings import Settings
from pipelines.recipes.movielens_100k.train import train

FILM = ["movie_id", "release_year", "genres"]  # what a candidate is; the rest is the user


@contextmanager
def stage(title: str) -> Iterator[None]:
    """Says what is being done, and how long it took, where somebody looks on."""
    shown = sys.stderr.isatty()
    if shown:
        print(f"{title} ...", file=sys.stderr, flush=True)
    start = time.monotonic()
    yield
    if shown:
        print(f"{title}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def examples_of(spec: FeatureSpec, data: pathlib.Path, count: int) -> list[bytes]:
    """The first examples of the test part, serialized."""
    records = tf.data.TFRecordDataset(spec.files(data, "test")).take(count)
    return [record.numpy() for record in records]


def publish(model: Any, run: Run, base: pathlib.Path, examples: list[bytes]) -> pathlib.Path:
    """Publishes the model, unless the newest version is this run's already."""
    note = base.with_name("published.json")
    if note.is_file():
        last = json.loads(note.read_text(encoding="utf-8"))
        if last["run"] == run.key and pathlib.Path(last["version"]).is_dir():
            return pathlib.Path(last["version"])
    version = serving.export(model, base, examples=examples, candidate_features=FILM)
    write_text(note, json.dumps({"run": run.key, "version": str(version)}) + "\n")
    return pathlib.Path(version)


def choose_user(examples: list[bytes], read: set[str]) -> dict[str, Any]:
    """The user with the longest history among some examples, as far as the model reads it."""
    users = []
    for serialized in examples:
        features = tf.train.Example.FromString(serialized).features.feature
        user: dict[str, Any] = {}
        for name in sorted(read - set(FILM)):
            values = getattr(
                features[name], features[name].WhichOneof("kind") or "int64_list"
            ).value
            user[name] = list(values) if name == "history" else values[0]
        users.append(user)
    return max(users, key=lambda user: len(user["history"]))


def candidates(films: dict[str, Any], user: dict[str, Any]) -> list[dict[str, Any]]:
    """All films that the user has not seen."""
    seen = set(user.get("history", []))
    return [
        {"movie_id": int(key), "release_year": film["release_year"], "genres": film["genres"]}
        for key, film in films.items()
        if int(key) not in seen and film["release_year"] is not None
    ]


def plain(name: str) -> str:
    """The name of a field without what its column was made by."""
    for ending in ("_shared_embedding", "_embedding", "_bucketized"):
        name = name.removesuffix(ending)
    return name


def ask(base: pathlib.Path, version: pathlib.Path, films: dict[str, Any], user: Any) -> None:
    """Serves the version, asks it, and prints the top films with what decided."""
    options = serving.ServerOptions(
        model_name="ranker", model_base_path=base, max_num_load_retries=0
    )
    unseen = candidates(films, user)
    with serving.LocalServer(options) as server:
        answers = {}
        for name, address in (("gRPC", server.grpc_address), ("REST", server.rest_url)):
            with serving.Client(address, "ranker", version, timeout=60) as client:
                answers[name] = client.rank(user, unseen)
        np.testing.assert_allclose(answers["gRPC"], answers["REST"], rtol=1e-6)
        order = np.argsort(-answers["gRPC"], kind="stable")[:10]
        with serving.Client(server.grpc_address, "ranker", version, timeout=60) as client:
            reasons = client.explain([{**user, **unseen[index]} for index in order])
    print(f"\nTop 10 of {len(unseen)} unseen films for user {user['user_id']}, over gRPC and REST:")
    for place, (index, pairs) in enumerate(zip(order, reasons, strict=True), start=1):
        title = films[str(unseen[index]["movie_id"])]["title"]
        why = ", ".join(
            f"{plain(pair['fields'][0])} x {plain(pair['fields'][1])} {pair['contribution']:+.2f}"
            for pair in pairs[:2]
        )
        print(f"{place:2d}  {answers['gRPC'][index]:.3f}  {title[:40]:40}  {why}")


def main() -> None:
    parser = argparse.ArgumentParser("python -m examples.demo", description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("demo"), help="folder")
    parser.add_argument("--data-dir", type=pathlib.Path, help="an own copy of MovieLens-100K")
    parser.add_argument("--small", action="store_true", help="train one epoch only, to try it out")
    arguments = parser.parse_args()
    # As on Ctrl-C, clean up on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    start = time.monotonic()
    data, out = arguments.out / "data", arguments.out / ("small" if arguments.small else "full")
    arguments.out.mkdir(parents=True, exist_ok=True)
    out.mkdir(exist_ok=True)
    with stage("Preparing MovieLens-100K"):
        spec = prepare(data, arguments.data_dir)
    with stage("Training AFM, DeepFM and the baselines"):
        run = train(data, out / "run", Settings(epochs=1) if arguments.small else None)
    print(metrics_table(run.metrics["test"], "user"))
    examples = examples_of(spec, data, 256)
    with stage(f"Exporting, verifying and publishing {run.best}"):
        base = out / "models" / "ranker"
        model = load(run.best, data, out / "run")
        version = publish(model, run, base, examples[:16])
    films = json.loads((data / "films.json").read_text(encoding="utf-8"))
    user = choose_user(examples, set(tfrs_afm.parse_spec(model.columns)))
    with stage("Serving and asking"):
        ask(base, version, films, user)
    print(f"\n{tfrs_afm.__name__} {tfrs_afm.__version__}: {run.best} published as {version}")
    if sys.stderr.isatty():
        print(f"All of it took {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("stopped; nothing is left half-written", file=sys.stderr)
        sys.exit(130)
    except (ValueError, RuntimeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
