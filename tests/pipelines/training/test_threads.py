import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from pipelines.__main__ import main
from pipelines.configuration.configuration import Configuration
from pipelines.training.threads import Threads, threads_for
from tests.pipelines.planted_clicks import write_clicks
from tfrs_afm import kernels

AFM: dict[str, Any] = {"kind": "AFM"}


def configuration(model: dict[str, Any], strategy: str = "one") -> Configuration:
    return Configuration.model_validate(
        {
            "data": {"format": "csv", "train": "clicks.csv"},
            "columns": [
                {"kind": "categorical_column_with_identity", "key": key, "num_buckets": 40}
                for key in ("user_id", "film_id")
            ],
            "model": model,
            "training": {"strategy": strategy},
        }
    )


@pytest.mark.parametrize("cores", [2, 3, 4])
@pytest.mark.parametrize("model", [AFM, {**AFM, "crossing": "ids"}, {**AFM, "deep": {}}])
def test_attention_in_blocks_gets_a_thread_an_operation(model: dict[str, Any], cores: int) -> None:
    assert threads_for(configuration(model), "stock", cores) == Threads(1, cores)


@pytest.mark.parametrize(
    ("model", "strategy", "form", "cores"),
    [
        (AFM, "one", "avx512", 2),
        (AFM, "one", "portable", 2),
        (AFM, "one", "stock", 1),
        (AFM, "one", "stock", 5),
        (AFM, "mirrored", "stock", 2),
        (AFM, "parameter_server", "stock", 2),
        ({"kind": "DeepFM"}, "one", "stock", 2),
        ({"kind": "logistic_regression"}, "one", "stock", 2),
        ({**AFM, "pooling": "average"}, "one", "stock", 2),
        ({**AFM, "attention_softmax": False}, "one", "stock", 2),
        ({**AFM, "pair_dropout": 0.1}, "one", "stock", 2),
        ({**AFM, "pair_batch_norm": True}, "one", "stock", 2),
    ],
)
def test_all_else_gets_the_threads_that_tensorflow_chooses(
    model: dict[str, Any], strategy: str, form: str, cores: int
) -> None:
    assert threads_for(configuration(model, strategy), form, cores) is None


def set_up(who: str) -> None:
    if who == "the environment":
        os.environ["TF_NUM_INTRAOP_THREADS"] = "2"
    if who == "the program":
        tf.config.threading.set_inter_op_parallelism_threads(3)
    if who == "too late":
        tf.constant(1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("who", "expected"),
    [("nobody", "1 2"), ("the environment", "0 0"), ("the program", "0 3"), ("too late", "0 0")],
)
def test_the_command_sets_them_where_nobody_has(who: str, expected: str, tmp_path: Path) -> None:
    write_clicks(tmp_path / "clicks.csv", rows=200)
    made = configuration({**AFM, "dim": 2, "attention_units": 2}).model_dump_json()
    (tmp_path / "run.json").write_text(made.replace("clicks.csv", str(tmp_path / "clicks.csv")))
    command = [sys.executable, "-m", "tests.pipelines.training.test_threads", who]
    words = ["train", "--config", str(tmp_path / "run.json"), "--out", str(tmp_path / "run")]
    words += ["--set", "data.label=clicked", "--set", "training.epochs=1"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == expected


if __name__ == "__main__":  # threads are set before anything else runs in a process
    os.sched_getaffinity = lambda _: {0, 1}
    kernels.status = lambda: kernels.Status("stock", "For the test.")
    set_up(sys.argv[1])
    status = main(sys.argv[2:])
    of = tf.config.threading
    sys.stdout.write(
        f"{of.get_intra_op_parallelism_threads()} {of.get_inter_op_parallelism_threads()}\n"
    )
    sys.exit(status)
