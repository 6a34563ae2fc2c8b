import math

import pytest

from pipelines.configuration.schedule import Schedule
from pipelines.training.learning_rate_factor import learning_rate_factor


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
