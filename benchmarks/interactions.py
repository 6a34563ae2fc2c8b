"""AFM and DeepFM against DeepCTR and PyTorch: training, memory at id level, exported models.

    python -m benchmarks.interactions --deepctr PYTHON --torch PYTHON --jax PYTHON
        [--rounds 12] [--rows 1 2] [--one-thread]

These are interpreters of environments of their own, with deepctr 0.9.4 on TensorFlow 2.21 and
tf-keras, with PyTorch, and with jax and optax. Ours trains with the optimizer of this package. All
contestants of a row are processes that live at the same time and take turns, a few steps a round,
so that whatever else the machine does hits all alike; of TensorFlow's ways to use two threads each
contestant is given both (inside an operation, "2x1", and between operations, "1x2"), and its better
one counts. With `--one-thread` each has one, and CPU time counts. Printed are medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

WORKERS = Path(__file__).parent / "peers"
TOWER = [400, 400, 400]
TRAINING: dict[str, dict[str, Any]] = {
    "1": {"model": "AFM", "batch": 4096, "fields": 10, "dim": 10, "units": 16, "goal": 4.0},
    "2": {"model": "AFM", "batch": 1024, "fields": 39, "dim": 16, "units": 16, "goal": 6.0},
    "3": {"model": "AFM", "batch": 512, "fields": 10, "dim": 256, "units": 256, "goal": 2.0},
    "4": {"model": "DeepFM", "batch": 4096, "fields": 10, "dim": 10, "tower": TOWER, "goal": 1.25},
    "5": {"model": "DeepFM", "batch": 4096, "fields": 39, "dim": 16, "tower": TOWER, "goal": 1.25},
}
IDS = {"model": "AFM", "batch": 256, "fields": 200, "dim": 16, "units": 16}
THREADS = {"2x1": (2, 1), "1x2": (1, 2)}
ONE_THREAD = {"1x1": (1, 1)}


class Contestant:
    """A worker process that runs steps when it is its turn.

    Args:
        python: Its interpreter.
        worker: Its program, in `benchmarks/peers`.
        job: What it is to do.
        threads: Key of `THREADS`.
    """

    def __init__(self, python: str, worker: str, job: dict[str, Any], threads: str) -> None:
        intra, inter = {**THREADS, **ONE_THREAD}[threads]
        self.seconds: list[float] = []
        self._process = subprocess.Popen(
            [python, str(WORKERS / worker), json.dumps({**job, "intra": intra, "inter": inter})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(WORKERS.parent.parent)},
        )

    def answer(self) -> Any:
        """Waits for what the worker says next."""
        for line in self._process.stdout:  # type: ignore[union-attr]
            if line.startswith(("[", '"')):  # and not what a library prints at its start
                return json.loads(line)
        raise RuntimeError(self._process.communicate()[1][-2000:])

    def run(self, steps: int) -> None:
        """Lets it take its turn; the first step of a turn does not count."""
        self._process.stdin.write(f"{steps + 1}\n")  # type: ignore[union-attr]
        self._process.stdin.flush()  # type: ignore[union-attr]
        self.seconds += self.answer()[1:]

    def finish(self) -> str:
        """Ends the worker; returns what it wrote to stderr."""
        return self._process.communicate()[1]


def contest(contestants: dict[str, Contestant], rounds: int, steps: int) -> dict[str, str]:
    """Starts all, lets them take turns, and returns what they wrote to stderr."""
    for one in contestants.values():
        one.answer()
    for _ in range(rounds):
        for one in contestants.values():
            one.run(steps)
    return {name: one.finish() for name, one in contestants.items()}


def best(contestants: dict[str, Contestant], who: str) -> tuple[str, float]:
    """The fastest of those whose name starts so: its name and its median, in seconds."""
    medians = {
        name: statistics.median(one.seconds)
        for name, one in contestants.items()
        if name.startswith(who)
    }
    name = min(medians, key=lambda key: medians[key])
    return name, medians[name]


def training(row: str, given: argparse.Namespace) -> None:
    """Prints one row of training steps."""
    job = {**TRAINING[row], "what": "train", "cpu": given.one_thread}
    ways = ONE_THREAD if given.one_thread else THREADS
    alone = next(iter(ways))
    own = {**job, "adam": "own"}
    contestants: dict[str, Contestant] = {}
    for threads in ways:
        contestants |= {
            f"ours {threads}": Contestant(sys.executable, "our_worker.py", own, threads),
            f"DeepCTR {threads}": Contestant(given.deepctr, "deepctr_worker.py", job, threads),
        }
        stock = {**own, "kernels": False}  # ours as it is without a compiler
        contestants[f"stock {threads}"] = Contestant(
            sys.executable, "our_worker.py", stock, threads
        )
    contestants["PyTorch eager"] = Contestant(given.torch, "torch_worker.py", job, alone)
    compiled = {**job, "compile": True}
    contestants["PyTorch compiled"] = Contestant(given.torch, "torch_worker.py", compiled, alone)
    contestants["JAX"] = Contestant(given.jax, "jax_worker.py", job, alone)
    if row == "3":
        product = {**job, "what": "gemm"}
        contestants["GEMM"] = Contestant(sys.executable, "our_worker.py", product, alone)
    contest(contestants, given.rounds, 4)
    rates = {
        name: job["batch"] / statistics.median(one.seconds) for name, one in contestants.items()
    }
    peers = ("DeepCTR", "PyTorch", "JAX")
    ours, deepctr, torch, jax = (best(contestants, who)[1] for who in ("ours", *peers))
    shape = [job[key] for key in ("batch", "fields", "dim")] + [job.get("units", "tower")]
    ratio = min(deepctr, torch, jax) / ours
    print(
        f"| {job['model']} {', '.join(map(str, shape))} "
        f"| {job['batch'] / deepctr / 1e3:.1f}k / {job['batch'] / torch / 1e3:.1f}k "
        f"/ {job['batch'] / jax / 1e3:.1f}k "
        f"| {job['batch'] / ours / 1e3:.1f}k | {ratio:.2f}x | {job['goal']}x |"
    )
    print("  " + ", ".join(f"{name} {rate / 1e3:.2f}k/s" for name, rate in rates.items()))
    if row == "3":
        product = statistics.median(contestants["GEMM"].seconds)
        pairs = job["batch"] * 45 * 2 * job["dim"] * job["units"]
        print(
            f"  GEMM {pairs / product / 1e9:.0f} GF/s; a step needs 3 such products and computes "
            f"4: {3 * product / ours:.0%} of the rate by need, {4 * product / ours:.0%} as computed"
        )


def at_id_level(given: argparse.Namespace) -> None:
    """Prints memory and time of a step over 200 ids."""
    forms = {
        "all pairs at once": {"blocks": False},
        "blocks": {"blocks": True, "kernels": False},
        "kernels": {"blocks": True},
    }
    contestants = {
        name: Contestant(sys.executable, "our_worker.py", {**IDS, "what": "ids", **form}, "1x2")
        for name, form in forms.items()
    }
    said = contest(contestants, max(given.rounds // 4, 2), 2)
    for name, one in contestants.items():
        peak = said[name].split("peak ")[1].split()[0]
        seconds = statistics.median(one.seconds)
        print(f"| id-level AFM 256, 200 ids, 16, 16 | {name} | {peak} MB | {seconds:.2f} s |")


def exported(given: argparse.Namespace) -> None:
    """Prints requests of 1000 examples to exported models."""
    for row in ("1", "2", "4"):
        job = {**TRAINING[row], "batch": 1000, "what": "exported"}
        with tempfile.TemporaryDirectory() as folder:
            theirs = f"{folder}/deepctr"
            job_of = {**job, "intra": 2, "inter": 1, "export": theirs}
            command = [given.deepctr, str(WORKERS / "deepctr_worker.py"), json.dumps(job_of)]
            subprocess.run(command, check=True, capture_output=True)
            contestants = {}
            for threads in THREADS:
                for who, path in (("ours", f"{folder}/ours_{threads}"), ("DeepCTR", theirs)):
                    contestants[f"{who} {threads}"] = Contestant(
                        sys.executable, "our_worker.py", {**job, "who": who, "path": path}, threads
                    )
            contest(contestants, given.rounds, 10)
        (_, ours), (_, deepctr) = best(contestants, "ours"), best(contestants, "DeepCTR")
        print(
            f"| exported {job['model']} 1000, {job['fields']}, {job['dim']} "
            f"| {deepctr * 1e3:.2f} ms | {ours * 1e3:.2f} ms | {deepctr / ours:.2f}x | 2x |"
        )
        medians = {name: statistics.median(one.seconds) for name, one in contestants.items()}
        print("  " + ", ".join(f"{name} {value * 1e3:.2f} ms" for name, value in medians.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--deepctr", required=True, help="interpreter with deepctr 0.9.4")
    parser.add_argument("--torch", required=True, help="interpreter with torch")
    parser.add_argument("--jax", required=True, help="interpreter with jax and optax")
    parser.add_argument("--one-thread", action="store_true", help="one thread each, CPU time")
    parser.add_argument("--rounds", type=int, default=12, help="turns of each contestant")
    parser.add_argument("--rows", nargs="*", default=[*TRAINING, "ids", "exported"])
    given = parser.parse_args()
    for row in given.rows:
        if row in TRAINING:
            training(row, given)
        elif row == "ids":
            at_id_level(given)
        else:
            exported(given)


if __name__ == "__main__":
    main()
