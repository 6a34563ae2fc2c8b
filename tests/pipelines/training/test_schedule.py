import math
from pathlib import Path

import pytest
import tensorflow as tf

from pipelines.configuration.training import Schedule, Training
from pipelines.training.schedule import learning_rate_factor, weigh_classes
from pipelines.training.train import train
from tests.pipelines.training import examples


def factors(schedule: Schedule, steps: list[int]) -> list[float]:
    return [float(learning_rate_factor(schedule, step)) for step in steps]


def test_a_constant_rate_stays() -> None:
    assert factors(Schedule(), [0, 10**9]) == [1.0, 1.0]


def test_a_warm_up_rises_linearly_to_the_full_rate_with_its_last_step() -> None:
    assert factors(Schedule(warmup_steps=4), [0, 1, 3, 4, 9]) == [0.25, 0.5, 1.0, 1.0, 1.0]


def test_steps_fall_at_once_and_an_exponential_bit_by_bit() -> None:
    stairs = Schedule(kind="step", decay_steps=10, decay_rate=0.5, floor=0.2)
    assert factors(stairs, [0, 9, 10, 25, 99]) == pytest.approx([1, 1, 0.5, 0.25, 0.2])
    slope = Schedule(kind="exponential", decay_steps=10, decay_rate=0.5)
    assert factors(slope, [0, 5, 10]) == pytest.approx([1, math.sqrt(0.5), 0.5])


def test_a_cosine_falls_to_its_floor_and_stays_there_and_begins_after_the_warm_up() -> None:
    wave = Schedule(kind="cosine", decay_steps=8, floor=0.1, warmup_steps=2)
    expected = [0.5, 1, 1, 0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2, 0.55, 0.1, 0.1]
    assert factors(wave, [0, 1, 2, 4, 6, 10, 50]) == pytest.approx(expected)


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
