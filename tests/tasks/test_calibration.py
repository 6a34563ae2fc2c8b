"""Calibrations: held to the oracle, to the base rate and to the order of the logits."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

import tfrs_afm
from tests.contracts import check_layer

Scaling, Isotonic = tfrs_afm.tasks.calibration.Scaling, tfrs_afm.tasks.calibration.Isotonic
RNG = np.random.default_rng(4)
LOGITS = RNG.normal(size=3000) * 2
TRUE = 1 / (1 + np.exp(-(0.4 * LOGITS - 1.5)))
LABELS = (RNG.random(3000) < TRUE).astype(float)


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.asarray(values, np.float64)))


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    pairs = scores[labels == 1][:, np.newaxis] - scores[labels == 0]
    return float(((pairs > 0) + 0.5 * (pairs == 0)).mean())


@pytest.mark.parametrize("kind", [Scaling, Isotonic])
def test_the_mean_is_the_base_rate_and_the_order_stays(kind: Any) -> None:
    fitted = kind.fit(LABELS, LOGITS)
    mapped = fitted(LOGITS.astype(np.float32)).numpy()
    assert sigmoid(mapped).mean() == pytest.approx(LABELS.mean(), rel=1e-3)
    assert auc(LABELS, mapped) == pytest.approx(auc(LABELS, LOGITS), abs=1e-4)
    assert np.abs(sigmoid(mapped) - TRUE).mean() < 0.03
    assert np.abs(sigmoid(LOGITS) - TRUE).mean() > 0.2  # there was something to mend


def test_scaling_is_the_minimum_of_the_likelihood() -> None:
    """A search over a grid knows nothing of Newton's method."""
    fitted = Scaling.fit(LABELS, LOGITS)
    rates = {1: (LABELS.sum() + 1) / (LABELS.sum() + 2), 0: 1 / ((1 - LABELS).sum() + 2)}
    target = np.array([rates[int(label)] for label in LABELS])

    def loss(scale: float, shift: float) -> float:
        rate = sigmoid(scale * LOGITS + shift)
        return float(-(target * np.log(rate) + (1 - target) * np.log(1 - rate)).sum())

    best = loss(fitted.scale, fitted.shift)
    for scale, shift in itertools.product((-0.01, 0, 0.01), (-0.01, 0, 0.01)):
        assert loss(fitted.scale + scale, fitted.shift + shift) >= best - 1e-9


def min_max(labels: list[float]) -> list[float]:
    """Isotonic regression by its min-max formula: no pooling, every interval is looked at."""
    n = len(labels)
    return [
        max(min(np.mean(labels[a : b + 1]) for b in range(i, n)) for a in range(i + 1))
        for i in range(n)
    ]


@given(
    st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=12).filter(
        lambda y: 0 < sum(y) < len(y)
    )
)
@settings(max_examples=50)
def test_isotonic_joins_the_middles_of_the_steps_of_the_min_max_formula(
    labels: list[float],
) -> None:
    logits = np.arange(len(labels), dtype=float)
    rates = np.round(min_max(labels), 12)
    steps = [(rate, logits[rates == rate]) for rate in np.unique(rates)]
    fitted = Isotonic.fit(labels, logits)
    np.testing.assert_allclose(fitted.knots, [middle.mean() for _, middle in steps])
    inner = [(k, rate) for k, (rate, _) in enumerate(steps) if 0 < rate < 1]
    odds = {k: np.log(rate / (1 - rate)) for k, rate in inner}
    moves = [fitted.values[k] - odds[k] for k in odds]  # one move for all, to the base rate
    assert np.ptp(moves or [0.0]) < 1e-6
    mapped = fitted(logits.astype(np.float32)).numpy()
    assert (np.diff(mapped) > 0).all()
    assert sigmoid(mapped).mean() == pytest.approx(np.mean(labels), abs=1e-4)


@pytest.mark.parametrize("kind", [Scaling, Isotonic])
def test_a_weight_is_so_many_rows(kind: Any) -> None:
    labels, logits = LABELS, np.round(LOGITS, 1)
    counts = RNG.integers(0, 4, len(labels))
    weighted = kind.fit(labels, logits, counts)
    repeated = kind.fit(np.repeat(labels, counts), np.repeat(logits, counts))
    points = np.linspace(-2, 2, 50).astype(np.float32)
    # But for parts of an example, of weight 1 on average, that draw the ends in.
    np.testing.assert_allclose(weighted(points), repeated(points), atol=0.01)
    with_nothing = kind.fit([*labels, np.nan], [*logits, np.nan], [*counts, 0])
    assert with_nothing.get_config() | {"name": ""} == weighted.get_config() | {"name": ""}


def test_logits_that_separate_the_classes_or_turn_them_round_are_kept_in_bounds() -> None:
    labels, logits = [0.0, 0.0, 1.0, 1.0], [-2.0, -1.0, 1.0, 2.0]
    apart = Scaling.fit(labels, logits)
    assert 0 < apart.scale < 10
    assert all(np.isfinite(Isotonic.fit(labels, logits).values))
    turned = Scaling.fit(labels, [-one for one in logits])
    assert turned.scale == 1
    assert turned.shift == pytest.approx(0, abs=1e-9)
    one_step = Isotonic.fit(labels, [-one for one in logits])
    assert len(one_step.knots) == 1


@pytest.mark.parametrize(
    "make", [lambda: Scaling(0.5, -1.0), lambda: Isotonic([0.0, 1.0, 3.0], [-1.0, 0.5, 1.0])]
)
def test_a_calibration_keeps_the_contract(make: Any, tmp_path: Path) -> None:
    check_layer(make, (tf.constant(RNG.normal(size=(5, 1)), tf.float32),), tmp_path / "layer")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Scaling(-1.0), "`scale` must be positive"),
        (lambda: Scaling(1.0, float("inf")), "and `shift` finite"),
        (lambda: Isotonic([1.0, 1.0], [0.0, 1.0]), "each ascending"),
        (lambda: Isotonic([0.0, 1.0], [1.0, 0.0]), "each ascending"),
        (lambda: Isotonic([], []), "as many"),
        (lambda: Isotonic.fit([1, 1], [0.0, 1.0]), "hold both. Received: labels=\\[1.0\\]"),
        (lambda: Scaling.fit([1, 3], [0.0, 1.0]), "`labels` must be 0 and 1"),
        (lambda: Scaling.fit([1, 0], [0.0, float("nan")]), "`logits` must be finite"),
        (lambda: tfrs_afm.tasks.AFM(2, loss="mse", calibration=Scaling()), "no probabilities"),
    ],
)
def test_what_cannot_be_is_told(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


FC = tf.feature_column
FEATURES = {"user": tf.constant([1, 2, 3]), "film": tf.constant([3, 4, 5])}


def made(**arguments: Any) -> Any:
    columns = [
        FC.embedding_column(FC.categorical_column_with_identity(name, 10), 4)
        for name in ("user", "film")
    ]
    return tfrs_afm.models.AFM(columns, task=tfrs_afm.tasks.AFM(2, **arguments))


@pytest.mark.long
def test_a_calibrated_model_predicts_saves_trains_and_explains(tmp_path: Path) -> None:
    model = made()
    before = model.predict(FEATURES, verbose=0)
    logits = model.logits(FEATURES).numpy()
    model.calibrate(Isotonic([-0.01, 0.01], [-2.0, 1.0]))
    after = model.predict(FEATURES, verbose=0)  # not what Keras traced before
    assert np.abs(after - before).min() > 0.01
    np.testing.assert_array_equal(model.logits(FEATURES), logits)

    told = tfrs_afm.explain(model, FEATURES)
    total = told.bias + told.linear.sum(1) + told.pairs.sum(1) + told.deep
    np.testing.assert_allclose(total, told.logits, atol=1e-5)
    np.testing.assert_allclose(sigmoid(total + told.calibration), after[:, 0], atol=1e-5)

    model.save(tmp_path / "model.keras")
    again = tfrs_afm.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again(FEATURES), after, rtol=1e-6)
    labels = tf.constant([0.0, 1.0, 1.0])
    expected = np.mean(np.log1p(np.exp(np.where(labels == 1, -logits[:, 0], logits[:, 0]))))
    assert float(model.task.loss(labels, logits)) == pytest.approx(expected, rel=1e-5)
    model.calibrate(None)
    np.testing.assert_array_equal(model.predict(FEATURES, verbose=0), before)
    assert "calibration" not in model.task.get_config()
