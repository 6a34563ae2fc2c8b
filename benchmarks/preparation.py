"""A log of events to examples: in memory, and on Apache Beam with one and with two processes.

Usage: python -m benchmarks.preparation [--events 200000] [--engines memory one two]

Each engine runs once, in a new process; its wall time includes start-up and imports. The log is
synthetic: 5,000 users, 50,000 items of log-uniform popularity, one number, a history of 20. It is
checked that all engines wrote the same examples, vocabularies, bounds and parts.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pipelines.preparation.feature_spec import FeatureSpec

SETTINGS = """\
files = ["log-*.csv"]
format = "csv"
user = "user"
item = "item"
time = "at"
label = "clicked"
item_features = ["price"]
history = 20
negatives = {negatives}

[features.user]
dtype = "int64"
fit = "num_ids"

[features.item]
dtype = "string"
fit = "vocabulary"
min_count = 2

[features.price]
dtype = "float32"
fit = "bounds"
"""
RUN = """\
import sys
from pathlib import Path
from pipelines.events.settings import load_event_settings
settings = load_event_settings(Path(sys.argv[1]))
if sys.argv[3:] == ["memory"]:
    from pipelines.events.prepare_in_memory import prepare_in_memory
    prepare_in_memory(settings, Path(sys.argv[2]))
else:
    from pipelines.events.prepare_with_beam import prepare_with_beam
    prepare_with_beam(settings, sys.argv[2], sys.argv[3:])
"""
TWO = ["--runner=FnApiRunner", "--direct_running_mode=multi_processing", "--direct_num_workers=2"]
ENGINES = {
    "memory": ("in memory", ["memory"]),
    "one": ("Beam, one process", ["--runner=FnApiRunner"]),
    "two": ("Beam, two processes", TWO),
}


def write_log(folder: Path, events: int) -> None:
    draw = np.random.default_rng(0)
    users = draw.integers(0, 5000, events)
    items = np.exp(draw.uniform(0, np.log(50_000), events)).astype(int)
    prices = np.round(draw.lognormal(3, 1, events), 2)
    times = 1_700_000_000 + draw.integers(0, 86400 * 30, events)
    clicked = draw.integers(0, 2, events)
    columns = (users, items, prices, times, clicked)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    lines = [f"{user},i{item},{price},{at},{click}\n" for user, item, price, at, click in rows]
    for number in range(4):
        text = "user,item,price,at,clicked\n" + "".join(lines[number::4])
        (folder / f"log-{number}.csv").write_text(text, encoding="utf-8")


def outcome(folder: Path) -> tuple[str, str]:
    """What was written, the same for examples in any order."""
    import tensorflow as tf

    spec = FeatureSpec.read(folder)
    hashes = []
    for part in spec.parts:
        files = [str(file) for file in spec.files(folder, part)]
        for record in tf.data.TFRecordDataset(files).as_numpy_iterator():
            hashes.append(hashlib.blake2b(part.encode() + record).digest())
    examples = hashlib.blake2b(b"".join(sorted(hashes))).hexdigest()
    return examples, repr((spec.features, spec.parts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--negatives", type=int, default=0)
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_log(folder, options.events)
        settings = folder / "events.toml"
        settings.write_text(SETTINGS.format(negatives=options.negatives), encoding="utf-8")
        found = set()
        for engine in options.engines:
            title, arguments = ENGINES[engine]
            command = [sys.executable, "-c", RUN, settings, folder / engine, *arguments]
            start = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - start
            if done.returncode:
                sys.exit(done.stderr)
            rate = options.events / seconds
            print(f"{title:<22}{seconds:7.1f} s{rate:10.0f} events/s", flush=True)
            found.add(outcome(folder / engine))
        print("the same examples" if len(found) == 1 else "OTHER EXAMPLES")


if __name__ == "__main__":
    main()
