from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.evaluation.measures import ReliabilityCurve, ROCCurve, calibration_error
from pipelines.metrics.accuracy import accuracy
from pipelines.metrics.auc import auc
from pipelines.metrics.grouped_auc import grouped_auc
from pipelines.metrics.log_loss import log_loss
from pipelines.metrics.precision import precision
from pipelines.metrics.recall import recall
from pipelines.metrics.rmse import rmse
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


@given(rows, st.sampled_from([0.2, 0.52, 0.9]))
def test_answers_are_counted_by_weight(drawn: list, threshold: float) -> None:
    labels, predictions, weights = zip(*drawn, strict=True)
    right = called = found = positives = 0.0
    for label, prediction, weight in drawn:
        answer = prediction >= threshold
        right += weight * (answer == bool(label))
        called += weight * answer
        found += weight * (answer and label)
        positives += weight * label
    assert accuracy(labels, predictions, threshold, weights) == pytest.approx(right / sum(weights))
    if called:
        assert precision(labels, predictions, threshold, weights) == pytest.approx(found / called)
    if positives:
        assert recall(labels, predictions, threshold, weights) == pytest.approx(found / positives)


@given(rows)
def test_an_integer_weight_counts_as_copies(drawn: list) -> None:
    labels, predictions, weights = map(np.array, zip(*drawn, strict=True))
    assume(0 < labels.sum() < len(labels))
    copies = (2 * weights).astype(int)
    more, guesses = np.repeat(labels, copies), np.repeat(predictions, copies)
    for metric in (auc, log_loss):
        found = metric(labels, predictions, weights=weights)
        assert found == pytest.approx(metric(more, guesses), abs=1e-12)
    groups = np.arange(len(labels)) % 2
    if any(0 < labels[groups == g].sum() < (groups == g).sum() for g in (0, 1)):
        found = grouped_auc(groups, labels, predictions, weights)
        expected = grouped_auc(np.repeat(groups, copies), more, guesses)
        assert found == pytest.approx(expected, abs=1e-12)


@given(rows)
def test_auc_weighs_pairs(drawn: list) -> None:
    labels, scores, weights = zip(*drawn, strict=True)
    assume(0 < sum(labels) < len(labels))
    expected = oracles.weighted_auc(labels, scores, weights)
    assert auc(labels, scores, weights) == pytest.approx(expected, abs=1e-12)


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
    assert area == pytest.approx(auc(labels, scores, weights))


def test_predictions_drawn_from_their_own_probability_are_calibrated() -> None:
    draw = np.random.default_rng(0)
    predictions = draw.random(200_000)
    labels = draw.random(200_000) < predictions
    assert calibration_error(labels, predictions) < 0.01
    assert calibration_error(labels, predictions**2) > 0.1
    curve = ReliabilityCurve.of(labels, predictions, bins=10)
    assert curve.predicted == pytest.approx(curve.observed, abs=0.02)
    assert curve.weight.sum() == 200_000


def test_rmse_sees_clipped_predictions() -> None:
    labels, predictions, weights = [1.0, -1.0, 1.0], [2.0, 0.0, 0.5], [1.0, 2.0, 1.0]
    assert rmse(labels, predictions) == pytest.approx(((1 + 1 + 0.25) / 3) ** 0.5)
    assert rmse(labels, predictions, (-1, 1)) == pytest.approx(((0 + 1 + 0.25) / 3) ** 0.5)
    assert rmse(labels, predictions, None, weights) == pytest.approx(((1 + 2 + 0.25) / 4) ** 0.5)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: accuracy([], []), "`labels` must not be empty"),
        (lambda: precision([1], [0.1]), "`threshold` must be reached by a prediction"),
        (lambda: recall([0], [0.1]), "`labels` must hold a positive"),
        (lambda: rmse([], []), "`labels` must not be empty"),
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
