import numpy as np
import pytest
import tensorflow as tf

from pipelines.cluster.team import split_batches, strategy_of
from pipelines.configuration.training import Training


def test_one_process_has_the_strategy_it_always_has() -> None:
    assert strategy_of(Training()) is tf.distribute.get_strategy()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cluster": {}}', '{"cluster": {"worker": []}}'])
def test_machines_that_are_not_named_are_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match=r"must find the machines in TF_CONFIG\. Received: .multi"):
        strategy_of(Training(strategy="multi_worker_mirrored"))


def test_machines_without_parameter_servers_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = '{"worker": ["127.0.0.1:1"], "chief": ["127.0.0.1:2"]}'
    task = '{"type": "chief", "index": 0}'
    monkeypatch.setenv("TF_CONFIG", f'{{"cluster": {cluster}, "task": {task}}}')
    with pytest.raises(ValueError, match="which needs chief, worker, ps, and TF_CONFIG="):
        strategy_of(Training(strategy="parameter_server"))


def test_devices_cannot_be_set_up_late() -> None:
    tf.constant(1) + 1
    with pytest.raises(ValueError, match="must be called before TensorFlow computes anything"):
        strategy_of(Training(strategy="mirrored", cluster={"replicas": 3}))


@pytest.mark.parametrize(("size", "parts"), [(8, 2), (7, 3), (2, 4), (1, 1)])
def test_the_parts_of_a_batch_are_the_batch(size: int, parts: int) -> None:
    lists = tf.ragged.constant([list(range(row % 3)) for row in range(size)], dtype=tf.int64)
    batch = (
        {"id": tf.range(size), "dense": tf.reshape(tf.range(size * 2), [size, 2])},
        {"sparse": lists.to_sparse(), "ragged": lists},
    )
    data = tf.data.Dataset.from_tensors(batch).repeat(2)
    found = list(split_batches(data, parts, range(parts)))
    assert len(found) == 2 * parts
    for first in (0, parts):
        some = found[first : first + parts]
        for name in ("id", "dense"):
            joined = np.concatenate([one[0][name] for one in some])
            np.testing.assert_array_equal(joined, batch[0][name])
        rows = [row for one in some for row in one[1]["ragged"].to_list()]
        assert rows == lists.to_list()
        sparse = tf.sparse.concat(0, [one[1]["sparse"] for one in some])
        tf.debugging.assert_equal(tf.sparse.to_dense(sparse), lists.to_tensor())


def test_workers_that_take_parts_of_their_own_take_all_together() -> None:
    data = tf.data.Dataset.range(10).batch(4)
    mine, yours = (
        [part.tolist() for part in split_batches(data, 3, wanted).as_numpy_iterator()]
        for wanted in ([0, 1], [2])
    )
    assert mine == [[0], [1], [4], [5], [], [8]]
    assert yours == [[2, 3], [6, 7], [9]]
