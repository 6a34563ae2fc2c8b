"""How long until a model of many columns has trained its first batch, and what a step runs.

Usage: python -m benchmarks.first_batch

A DeepFM of 26 hashed columns of text and 13 numbers, tower 256-128, Adam, batch 1024. Each form is
a process of its own: with the kernels and without.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def measure() -> None:
    """Prints one row, of the form that this process has."""
    start = time.perf_counter()
    import numpy as np
    import tensorflow as tf

    import tfrs_afm

    imported = time.perf_counter()
    fc, rng = tf.feature_column, np.random.default_rng(0)
    words = [fc.categorical_column_with_hash_bucket(f"c{i}", 1000) for i in range(26)]
    columns = [
        *(fc.embedding_column(column, 16) for column in words),
        *(fc.numeric_column(f"n{i}") for i in range(13)),
    ]
    features = {f"c{i}": rng.integers(0, 1000, 1024).astype("S") for i in range(26)}
    features |= {f"n{i}": rng.random((1024, 1), np.float32) for i in range(13)}
    labels = rng.integers(0, 2, 1024).astype(np.float32)
    model = tfrs_afm.models.DeepFM(columns, units=[256, 128])
    model.compile(tfrs_afm.optimizers.Adam())
    made = time.perf_counter()
    data = tf.data.Dataset.from_tensors((features, labels))
    model.fit(data, verbose=0)
    first = time.perf_counter() - made
    batch = next(iter(data))
    step = tf.function(lambda one: model.train_step(one)["loss"])
    step(batch)
    seconds = []
    for _ in range(30):
        begun = time.process_time()
        step(batch)
        seconds.append(time.process_time() - begun)
    print(
        f"| {tfrs_afm.kernels.status().form} | {imported - start:.1f} | {first:.1f} "
        f"| {operations_of(lambda: step(batch))} | {np.median(seconds) * 1e3:.1f} |",
        flush=True,
    )


def operations_of(step: object) -> int:
    """How many operations a call runs, by TensorFlow's profiler."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            step()  # type: ignore[operator]
        (file,) = Path(folder).rglob("*.xplane.pb")
        space = xplane_pb2.XSpace.FromString(file.read_bytes())
    run = 0
    for plane in space.planes:
        for line in plane.lines if "CPU" in plane.name else ():
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                # "place in the graph:kind of operation"; the rest is of the runtime.
                run += name.rpartition(":")[2].isidentifier() and "::" not in name and ":" in name
    return run


def main() -> None:
    if sys.argv[1:] == ["--row"]:
        measure()
        return
    print(f"load {os.getloadavg()[0]:.1f}")
    print("| form | import, s | first batch after it, s | operations a step | CPU ms a step |")
    print("|---|---|---|---|---|")
    for kernels in ("", "0"):
        environment = {**os.environ, "TFRS_AFM_KERNELS": kernels}
        command = [sys.executable, "-m", "benchmarks.first_batch", "--row"]
        subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
