import numpy as np
import pytest
import tensorflow as tf

from examples import deepfm_sequence_columns as example
from tests import oracles


def test_wide_side_adds_up_the_given_weights() -> None:
    """Numbers of the system this example stands for."""
    seq = [
        [-1.2562095, -0.63669527, 0.52460396],
        [-0.4415771, -0.63669527],
        [-1.2562095, 0.52460396],
    ]
    target = [0.81646895, -0.27553457, -1.1094153]
    terms = tf.constant(
        [row + [9.0] * (3 - len(row)) + [last] for row, last in zip(seq, target, strict=True)]
    )
    mask = tf.constant([[True] * len(row) + [False] * (3 - len(row)) + [True] for row in seq])
    wide = example.DeepFM().wide(terms, mask=mask)
    assert wide.shape == (3, 1)
    np.testing.assert_allclose(wide[:, 0], [-0.55183184, -1.353807, -1.8410208], rtol=1e-6)


@pytest.mark.parametrize("across", [False, True])
def test_second_order_crosses_ids_and_the_tower_sums_fields(across: bool) -> None:
    model, features = example.DeepFM(across_fields_only=across), example.make_features()
    sides, ids = model.sides(features), model.ids(features)
    vectors, mask, owner = ids.vectors.numpy(), ids.mask.numpy(), ids.fields.numpy()
    for row in range(3):
        pairs = oracles.pair_products(vectors[row], mask[row])
        counted = [p.sum() for i, j, p in pairs if not across or owner[i] != owner[j]]
        np.testing.assert_allclose(sides["second_order"][row, 0], sum(counted), atol=1e-5)
        summed = [(vectors[row] * (mask[row] & (owner == f))[:, None]).sum(0) for f in (0, 1)]
        np.testing.assert_allclose(model.fields(features).vectors[row], summed, atol=1e-6)
    total = sum(side.numpy() for side in sides.values())
    np.testing.assert_allclose(model(features), 1 / (1 + np.exp(-total)), rtol=1e-5)


@pytest.mark.long
def test_the_two_views_share_their_tables_and_train() -> None:
    model, features = example.DeepFM(), example.make_features()
    model(features)
    tables = [v for v in model.trainable_variables if v.shape == (10, 8)]
    assert len(tables) == 2
    model.compile(tf.keras.optimizers.Adam(0.05))
    data = tf.data.Dataset.from_tensors((features, tf.constant([1.0, 0.0, 1.0])))
    losses = [model.fit(data, verbose=0).history["loss"] for _ in range(20)]
    assert losses[-1] < losses[0]


@pytest.mark.long
def test_the_program_prints_its_parts(capsys: pytest.CaptureFixture) -> None:
    example.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * 4
    assert all("->" in line for line in lines[3::4])
