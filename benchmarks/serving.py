"""What serving costs: ranking, the local server, new versions under load, the first request, size.

Usage: python -m benchmarks.serving [--rounds 100] [--seconds 60] [--only rank added ...]

Exports models with random weights (no quality is measured here), and prints one Markdown row a
measurement. The server runs in a process of its own. What is compared is measured in turn, one
after the other, so that a busy machine is busy for both.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, regression_pb2

import serving
import tfrs_afm
from serving.client.transports.grpc_transport import GrpcTransport
from serving.client.transports.rest_transport import RestTransport
from serving.sidecar import from_json, read_sidecar
from serving.wire.tensors import fill_content, to_array

fc = tf.feature_column
RNG = np.random.default_rng(0)
DIM, IDS, HISTORY, CANDIDATES = 16, 10_000, 50, 500
HISTORIES = [f"history{i}" for i in range(3)]


def columns(users: int, items: int) -> list[Any]:
    """21 fields: user ids, three histories, item ids."""
    names = [*(f"user{i}" for i in range(users)), *(f"item{i}" for i in range(items))]
    plain = [fc.categorical_column_with_identity(name, IDS) for name in names]
    lists = [fc.sequence_categorical_column_with_identity(name, IDS) for name in HISTORIES]
    return [fc.embedding_column(column, DIM) for column in (*plain, *lists)]


def export(base: Path, users: int, items: int, *, seed: int = 0) -> tuple[Any, Path]:
    model = tfrs_afm.models.AFM(columns(users, items), attention_units=16)
    model.compile(tf.keras.optimizers.Adam(0.01))
    spec = tfrs_afm.parse_spec(model.columns)
    rows = [whole(users, items).SerializeToString() for _ in range(8)]
    labels = np.zeros(8, np.float32)
    model.fit(tf.data.Dataset.from_tensors((tf.io.parse_example(rows, spec), labels)), verbose=0)
    for number, variable in enumerate(model.trainable_variables):
        noise = tf.random.stateless_normal(variable.shape, [seed, number], stddev=0.3)
        variable.assign_add(noise)
    features = [f"item{i}" for i in range(items)]
    return model, serving.export(model, base, examples=rows, candidate_features=features)


def part(names: list[str], *, lists: bool) -> Any:
    example = tf.train.Example()
    for name in names:
        example.features.feature[name].int64_list.value.append(int(RNG.integers(IDS)))
    for name in HISTORIES if lists else []:
        values = RNG.integers(IDS, size=HISTORY).tolist()
        example.features.feature[name].int64_list.value.extend(values)
    return example


def whole(users: int, items: int) -> Any:
    names = [*(f"user{i}" for i in range(users)), *(f"item{i}" for i in range(items))]
    return part(names, lists=True)


def paired(calls: list[Callable[[], Any]], rounds: int) -> np.ndarray:
    """Milliseconds, `(rounds, calls)`; the calls take turns."""
    for call in calls * 3:
        call()
    times = np.zeros((rounds, len(calls)))
    for number in range(rounds):
        for column, call in enumerate(calls):
            start = time.perf_counter()
            call()
            times[number, column] = time.perf_counter() - start
    return times * 1e3


def row(what: str, wanted: str, measured: str, *, met: bool) -> None:
    print(f"| {what} | {wanted} | {measured} | {'yes' if met else '**no**'} |", flush=True)


def rank(folder: Path, rounds: int) -> None:
    for users, items, kind, wanted in (
        (10, 8, "item examples of 8 ids", 3),
        (17, 1, "one id each", 5),
    ):
        _, path = export(folder / f"rank{items}", users, items)
        context = part([f"user{i}" for i in range(users)], lists=True)
        films = [part([f"item{i}" for i in range(items)], lists=False) for _ in range(CANDIDATES)]
        head = context.SerializeToString()
        rows = np.array([head + film.SerializeToString() for film in films], object)
        if items == 1:
            ids = [film.features.feature["item0"].int64_list.value[0] for film in films]
            candidates = np.array([ids], np.int64)
        else:
            candidates = np.array([[film.SerializeToString() for film in films]], object)
        contexts = np.array([head], object)
        with serving.Session(path) as session:

            def ranked(session: Any = session, c: Any = contexts, n: Any = candidates) -> Any:
                return session.run("rank", {"context": c, "candidates": n})["scores"][0]

            def regressed(session: Any = session, r: Any = rows) -> Any:
                return session.run("regression", {"inputs": r})["outputs"]

            error = np.abs(ranked() - regressed()).max()
            times = paired([ranked, regressed], rounds)
        ours, theirs = np.median(times, axis=0)
        ratio = float(np.median(times[:, 1] / times[:, 0]))
        small = _bytes({"context": contexts, "candidates": candidates})
        request = regression_pb2.RegressionRequest()
        examples = (tf.train.Example.FromString(one) for one in rows)
        request.input.example_list.examples.extend(examples)
        fewer = len(request.SerializeToString()) / small
        row(
            f"`rank` of {CANDIDATES}, candidates are {kind}, against `regression`, C API",
            f"{wanted}x faster, 15x fewer bytes",
            f"{ours:.2f} ms against {theirs:.2f}: {ratio:.1f}x; {small / 1024:.0f} KiB, "
            f"{fewer:.0f}x fewer; largest difference {error:.1g}",
            met=ratio >= wanted and fewer >= 15 and error < 1e-5,
        )


def _bytes(inputs: dict[str, Any]) -> int:
    request = predict_pb2.PredictRequest()
    for name, array in inputs.items():
        fill_content(request.inputs[name], array)
    return len(request.SerializeToString())


@contextmanager
def served(base: Path, poll: float = 1.0, *flags: str) -> Iterator[dict[str, Any]]:
    """A local server in a process of its own."""
    command = [sys.executable, "-m", "serving", "serve", "--model_name", "m"]
    command += ["--model_base_path", str(base.resolve()), "--grpc_max_threads", "32"]
    command += ["--file_system_poll_wait_seconds", str(poll), *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the server did not start: {' '.join(command)}")
            yield json.loads(line)
        finally:
            process.send_signal(signal.SIGTERM)


def golden(path: Path, signature: str) -> dict[str, np.ndarray]:
    inputs = read_sidecar(path)["golden"]["requests"][signature]["inputs"]
    arrays = {}
    for name, values in inputs.items():
        plain = from_json(values)
        kind = object if isinstance(np.asarray(plain, object).ravel()[0], bytes) else np.int64
        arrays[name] = np.asarray(plain, kind)
    return arrays


def added(path: Path, rounds: int) -> None:
    outputs = {"predictions": 1}
    inputs = {name: rows[:1] for name, rows in golden(path, "serving_default").items()}
    with serving.Session(path) as session, served(path.parent) as server:
        ways = [GrpcTransport(server["grpc"], "m"), RestTransport(server["rest"], "m")]
        calls = [
            lambda: session.run("serving_default", inputs, outputs=list(outputs)),
            *(
                lambda way=way: way.run("serving_default", inputs, outputs, 30.0)  # type: ignore[misc]
                for way in ways
            ),
        ]
        times = paired(calls, rounds * 5)
        for way in ways:
            way.close()
    bare, over_grpc, over_rest = np.median(times, axis=0)
    row(
        "added by gRPC to a request of one row, p50, one client",
        "under 1.5 ms",
        f"{over_grpc - bare:.2f} ms ({over_grpc:.2f} against {bare:.2f} by the C API)",
        met=over_grpc - bare < 1.5,
    )
    row("the same by REST", "no bound", f"{over_rest - bare:.2f} ms", met=True)


def batching(path: Path, rounds: int) -> None:
    """32 clients of one row each, with and without `--enable_batching`, in turn."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "m"
    request.output_filter.append("predictions")
    fill_content(request.inputs["examples"], golden(path, "serving_default")["examples"][:1])
    body = request.SerializeToString()  # once: the clients share the machine with the server
    parameters = path.parent.with_name("batching.txt")
    parameters.write_text(
        "num_batch_threads { value: 1 } max_batch_size { value: 32 } "
        "batch_timeout_micros { value: 5000 }"
    )
    joined = ("--enable_batching", f"--batching_parameters_file={parameters}")
    with served(path.parent) as plain, served(path.parent, 1.0, *joined) as batched:
        ways = [_throughput(server["grpc"], body, rounds) for server in (plain, batched)]
        per_second = np.array([[way() for way in ways] for _ in range(5)])
    each, together = np.median(per_second, axis=0)
    ratio = float(np.median(per_second[:, 1] / per_second[:, 0]))
    row(
        "32 clients of one row by gRPC, `--enable_batching` (one thread, 32 rows, 5 ms) to without",
        "2x the requests a second",
        f"{together:.0f} against {each:.0f}: {ratio:.1f}x",
        met=ratio >= 2,
    )


def _throughput(address: str, body: bytes, rounds: int) -> Callable[[], float]:
    """Requests a second, each of 32 clients sending `rounds`."""
    channels = [grpc.insecure_channel(address, [("n", number)]) for number in range(32)]
    calls = [one.unary_unary("/tensorflow.serving.PredictionService/Predict") for one in channels]
    pool = ThreadPoolExecutor(len(calls))

    def ask(call: Any) -> None:
        for _ in range(rounds):
            call(body, timeout=60)

    def measure() -> float:
        start = time.perf_counter()
        for done in [pool.submit(ask, call) for call in calls]:
            done.result()
        return len(calls) * rounds / (time.perf_counter() - start)

    measure()
    return measure


def versions(folder: Path, seconds: float) -> None:
    """Ten versions, of two models in turn, come while 32 clients ask."""
    paths = [export(folder / f"swap{seed}", 1, 1, seed=seed)[1] for seed in (0, 1)]
    base = folder / "swap"

    def publish(number: int) -> int:
        source = paths[number % 2]
        copied = serving.publish(
            lambda target: shutil.copytree(source, target, dirs_exist_ok=True), base
        )
        return int(copied.name)

    rows = golden(paths[0], "serving_default")["examples"][:4]
    expected = []
    for path in paths:
        with serving.Session(path) as session:
            expected.append(session.run("serving_default", {"examples": rows})["predictions"])
    publish(1)  # version n holds model n % 2
    stop = threading.Event()
    counts = {"asked": 0, "failed": 0, "wrong": 0}
    seen: set[int] = set()
    lock = threading.Lock()
    with served(base, poll=0.2) as server:
        predict = predict_pb2.PredictRequest()
        predict.model_spec.name = "m"
        predict.output_filter.append("predictions")
        fill_content(predict.inputs["examples"], rows)

        def ask() -> None:
            channel = grpc.insecure_channel(server["grpc"])
            call = channel.unary_unary(
                "/tensorflow.serving.PredictionService/Predict",
                predict_pb2.PredictRequest.SerializeToString,
                predict_pb2.PredictResponse.FromString,
            )
            while not stop.is_set():
                try:
                    answer = call(predict, timeout=30)
                except grpc.RpcError:
                    with lock:
                        counts["failed"] += 1
                    continue
                version = answer.model_spec.version.value
                got = to_array(answer.outputs["predictions"])
                wrong = not np.allclose(got, expected[version % 2], atol=1e-5)
                with lock:
                    counts["asked"] += 1
                    counts["wrong"] += wrong
                    seen.add(version)
            channel.close()

        threads = [threading.Thread(target=ask) for _ in range(32)]
        for thread in threads:
            thread.start()
        for number in range(2, 12):
            stop.wait(seconds / 11)
            publish(number)
        stop.wait(seconds / 11)
        stop.set()
        for thread in threads:
            thread.join()
    row(
        f"32 clients for {seconds:.0f} s while 10 versions are published",
        "0 failed, 0 wrong",
        f"{counts['asked']} requests over {len(seen)} versions: {counts['failed']} failed, "
        f"{counts['wrong']} wrong",
        met=counts["failed"] == counts["wrong"] == 0 and len(seen) > 5,
    )


def first(path: Path, rounds: int) -> None:
    cold = path.parent.with_name("cold") / path.name
    shutil.copytree(path, cold)
    (cold / "assets.extra" / "tf_serving_warmup_requests").unlink()
    for signature, outputs in (
        ("serving_default", {"predictions": 1}),
        ("rank", {"scores": 1}),
    ):
        inputs = {name: rows[:1] for name, rows in golden(path, signature).items()}
        times = asked(path.parent, signature, inputs, outputs, rounds)
        median = float(np.median(times[1:]))
        without = asked(cold.parent, signature, inputs, outputs, 0)[0]
        row(
            f"first `{signature}` request after warm-up, with its connection",
            "at most 10x the median",
            f"{times[0] * 1e3:.1f} ms, {times[0] / median:.1f}x (without the warm-up records "
            f"{without * 1e3:.0f} ms, {without / median:.0f}x)",
            met=times[0] <= 10 * median,
        )


def asked(
    base: Path, signature: str, inputs: dict[str, Any], outputs: dict[str, int], rounds: int
) -> list[float]:
    """Seconds of the first and `rounds` more requests to a server that has just become ready."""
    with served(base) as server:
        transport = GrpcTransport(server["grpc"], "m")
        health = grpc.insecure_channel(server["grpc"])
        health.unary_unary("/grpc.health.v1.Health/Check")(b"", wait_for_ready=True)
        health.close()
        times = []
        for _ in range(rounds + 1):
            start = time.perf_counter()
            transport.run(signature, inputs, outputs, 30.0)
            times.append(time.perf_counter() - start)
        transport.close()
    return times


def size(model: Any, path: Path) -> None:
    saved = sum(file.stat().st_size for file in (path / "variables").iterdir())
    held = sum(variable.numpy().nbytes for variable in model.trainable_variables)
    slots = sum(variable.numpy().nbytes for variable in model.optimizer.variables)
    row(
        "size of `variables/` against the model's variables, after Adam",
        "within 5%",
        f"{saved / 2**20:.2f} MiB against {held / 2**20:.2f}: {saved / held - 1:+.1%} (slots that "
        f"stay behind: {slots / 2**20:.2f})",
        met=held <= saved <= 1.05 * held,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    names = ["rank", "added", "batching", "versions", "first", "size"]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    arguments = parser.parse_args()
    tf.get_logger().setLevel("ERROR")
    print("| what | wanted | measured | met |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if "rank" in arguments.only:
            rank(folder, arguments.rounds)
        if {"added", "batching", "first", "size"} & set(arguments.only):
            model, path = export(folder / "whole", 10, 8)
            if "added" in arguments.only:
                added(path, arguments.rounds)
            if "batching" in arguments.only:
                batching(path, arguments.rounds)
            if "first" in arguments.only:
                first(path, arguments.rounds)
            if "size" in arguments.only:
                size(model, path)
        if "versions" in arguments.only:
            versions(folder, arguments.seconds)


if __name__ == "__main__":
    main()
