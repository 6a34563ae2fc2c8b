import numpy as np
import pytest
import tensorflow as tf

from pipelines.cluster.split_batches import split_batches


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
