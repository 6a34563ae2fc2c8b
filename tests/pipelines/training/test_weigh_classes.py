from pathlib import Path

import pytest
import tensorflow as tf

from pipelines.configuration.training import Training
from pipelines.training.train import train
from pipelines.training.weigh_classes import weigh_classes
from tests.pipelines.training import examples


def test_the_weight_of_a_class_multiplies_that_of_the_example() -> None:
    labels, weights = tf.constant([[1.0], [0.0], [1.0]]), tf.constant([[2.0], [2.0], [0.0]])
    batches = tf.data.Dataset.from_tensors(({}, labels, weights))
    (weighed,) = weigh_classes(batches, (0.5, 3.0))
    assert weighed[2].numpy().tolist() == [[6.0], [1.0], [0.0]]


@pytest.mark.long
def test_training_weighs_the_classes(tmp_path: Path) -> None:
    first, second = (examples.model(dropout=0.0) for _ in range(2))
    plain = examples.batches()
    train(first, plain, None, tmp_path / "a", Training(epochs=1, class_weights=(0.25, 4.0)))

    def weighed(epoch: int, skip: int) -> tf.data.Dataset:
        return plain(epoch, skip).map(lambda x, y: (x, y, tf.where(y > 0, 4.0, 0.25)))

    train(second, weighed, None, tmp_path / "b", Training(epochs=1))
    for name, weight in examples.weights(first).items():
        assert (weight == examples.weights(second)[name]).all(), name
