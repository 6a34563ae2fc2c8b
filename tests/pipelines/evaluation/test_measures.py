from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.evaluation.measures import ReliabilityCurve, ROCCurve, calibration_error
from tests.pipelines.evaluation import oracles

# Predictions that are not on the edge of a bin, where float rounding decides.
rows = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from([0.0, 0.11, 0.33, 0.52, 0.87, 1.0]),
        st.sampled_from([0.5, 1.0, 3.0]),
    ),
    min_size=2,
    max_size=40,
)


@given(rows, st.sampled_from([1, 7, 15]))
def test_calibration_error_is_the_mean_gap_of_the_bins(drawn: list, bins: int) -> None:
    labels, predictions, weights = zip(*drawn, strict=True)
    expected = oracles.calibration_error(labels, predictions, weights, bins)
    assert calibration_error(labels, predictions, bins, weights) == pytest.approx(expected)


@given(rows)
def test_the_area_below_the_roc_curve_is_the_auc(drawn: list) -> None:
    labels, scores, weights = zip(*drawn, strict=True)
    assume(0 < sum(labels) < len(labels))
    curve = ROCCurve.of(labels, scores, weights)
    area = np.trapezoid(curve.true_positive, curve.false_positive)
    assert area == pytest.approx(oracles.weighted_auc(labels, scores, weights))


def test_predictions_drawn_from_their_own_probability_are_calibrated() -> None:
    draw = np.random.default_rng(0)
    predictions = draw.random(200_000)
    labels = draw.random(200_000) < predictions
    assert calibration_error(labels, predictions) < 0.01
    assert calibration_error(labels, predictions**2) > 0.1
    curve = ReliabilityCurve.of(labels, predictions, bins=10)
    assert curve.predicted == pytest.approx(curve.observed, abs=0.02)
    assert curve.weight.sum() == 200_000


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: calibration_error([1], [1.5]), "predictions=1.5 in row 0"),
        (lambda: calibration_error([1, 0], [0.5, float("nan")]), "predictions=nan in row 1"),
        (lambda: calibration_error([1], [0.5], 0), "`bins` must be positive. Received: bins=0"),
        (lambda: calibration_error([], []), "`labels` must not be empty"),
        (lambda: ROCCurve.of([1, 1], [0.1, 0.2]), "2 positive and 0 negative"),
    ],
)
def test_what_has_no_value_is_an_error_that_says_why(call: Callable[[], float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        call()


def test_a_bin_counts_examples_and_sums_their_weights() -> None:
    curve = ReliabilityCurve.of([0, 1, 1, 0], [0.1, 0.2, 0.9, 0.9], 2, [0.25, 0.5, 3.0, 0.0])
    assert curve.examples.tolist() == [2, 1]
    assert curve.weight.tolist() == [0.75, 3.0]
