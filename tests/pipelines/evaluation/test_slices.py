import numpy as np
import pytest

from pipelines.configuration.evaluation import Evaluation
from pipelines.evaluation.bootstrap import Interval
from pipelines.evaluation.evaluate import activity, evaluate_predictions, evaluate_slices

QUICK = Evaluation(bootstrap=20)


def test_a_slice_is_judged_as_if_there_were_no_other_examples() -> None:
    draw = np.random.default_rng(0)
    labels, scores = draw.integers(0, 2, 60), draw.random(60)
    groups, weights = draw.integers(0, 5, 60), draw.random(60)
    colours = draw.choice(["red", "blue"], 60)
    found = evaluate_slices({"colour": colours}, labels, scores, groups, weights, evaluation=QUICK)
    assert {one.value for one in found} == {"red", "blue"}
    for one in found:
        rows = colours == one.value
        inside = (labels[rows], scores[rows], groups[rows], weights[rows])
        assert one.examples == rows.sum()
        assert one.metrics == evaluate_predictions(*inside, evaluation=QUICK)


def test_an_example_with_a_list_is_in_the_slice_of_each_member_once() -> None:
    found = evaluate_slices(
        {"genre": [["war", "war"], ["war", "drama"], [], None]},
        [1, 0, 1, 1],
        [0.5] * 4,
        evaluation=QUICK,
    )
    sizes = {one.value: one.examples for one in found}
    assert sizes == {"war": 2, "(missing)": 2, "drama": 1}


def test_the_many_small_values_make_one_slice() -> None:
    values = [b"a"] * 5 + ["b"] * 4 + list(range(10))
    found = evaluate_slices(
        {"word": values}, [0, 1] * 9 + [0], [0.5] * 19, evaluation=QUICK, most=2
    )
    assert [(one.value, one.examples) for one in found] == [("a", 5), ("b", 4), ("(others)", 10)]


def test_a_slice_of_one_class_has_no_auc() -> None:
    found = evaluate_slices({"x": [1, 1]}, [1, 1], [0.5, 0.6], evaluation=QUICK)
    assert found[0].metrics["auc"] == Interval(None)
    assert found[0].metrics["accuracy"].value == 1.0


def test_a_slice_needs_a_value_for_each_example() -> None:
    with pytest.raises(ValueError, match="1 values and 2 labels for field 'x'"):
        evaluate_slices({"x": [1]}, [0, 1], [0.5, 0.6])


def test_activity_is_how_often_training_has_shown_an_id() -> None:
    times = [0, 1, 4, 5, 19, 20, 99, 100, 499, 500, 501]
    training = np.repeat(np.arange(len(times)), times)
    assert activity(range(len(times)), training) == [
        *("0", "1-4", "1-4", "5-19", "5-19", "20-99", "20-99"),
        *("100-499", "100-499", "500 and more", "500 and more"),
    ]
    assert activity([3], []) == ["0"]
