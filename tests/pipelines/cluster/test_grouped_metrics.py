import os
import subprocess
import sys

import pytest

from tests.pipelines.cluster.processes import QUIET, ROOT

# Devices must be set up before TensorFlow does anything. The last batch has five rows.
PROGRAM = """
import numpy as np
import tensorflow as tf
import tfrs_afm
from pipelines.cluster.team import strategy_of
from pipelines.cluster.team import Team
from pipelines.configuration.training import Training

strategy = strategy_of(Training(strategy="mirrored", cluster={"replicas": 2}))
draw = np.random.default_rng(0)
rows = draw.integers(0, 5, 37), draw.integers(0, 2, 37).astype(np.float32), draw.random(37)
data = tf.data.Dataset.from_tensor_slices(rows).batch(8)


def measured(strategy):
    with strategy.scope():
        metric = tfrs_afm.tasks.metrics.GroupedAUC("user")

        def update(batch):
            metric.update_state(batch[1], batch[2], groups=batch[0])

        step = tf.function(lambda batch: strategy.run(update, args=(batch,)))
        for _ in range(2):
            metric.reset_state()
            for batch in Team(strategy).distribute(data):
                step(batch)
        return float(metric.result())


alone = measured(tf.distribute.get_strategy())
assert 0 < alone < 1 and measured(strategy) == alone, (alone, measured(strategy))
print("same")
"""


@pytest.mark.long
def test_groups_are_ranked_over_the_rows_of_all_replicas() -> None:
    """Such metrics were refused under several replicas."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, **QUIET},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.stdout == "same\n", done.stderr[-3000:]
