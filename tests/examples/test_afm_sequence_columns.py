import numpy as np
import pytest
import tensorflow as tf

from examples import afm_sequence_columns as example
from tests import oracles


@pytest.mark.long
@pytest.mark.parametrize("mode", example.POOLINGS)
@pytest.mark.parametrize("level", ["field", "id"])
def test_every_mode_crosses_and_learns_at_both_levels(level: str, mode: str) -> None:
    out = example.crossed(level, mode)
    # Three fields make three pairs; so do two ids of 3101 and the target.
    assert out["pairs"].shape == (3, 3, 8)
    assert out["vector"].shape == (3, 8)
    assert out["logits"].shape == out["probability"].shape == (3, 1)
    before, after = example.trained(level, mode)
    assert after < before


def test_padded_ids_take_no_part_at_id_level() -> None:
    """The third example has one id of 3101 beside the target: one pair, whatever the padding."""
    ids = example.make_embedding("id")(example.make_features())
    assert ids.mask.numpy().tolist() == [[True, True, True]] * 2 + [[True, False, True]]
    pairs, mask = example.parts.PairwiseProduct()(ids.vectors, mask=ids.mask)
    assert mask.numpy().sum(1).tolist() == [3, 3, 1]
    for mode, make in example.POOLINGS.items():
        pooled = make()(pairs, mask=mask).numpy()[2]
        np.testing.assert_allclose(pooled, ids.vectors[2, 0] * ids.vectors[2, 2], rtol=1e-5), mode


def test_a_field_is_the_mean_of_its_real_ids() -> None:
    features = example.make_features()
    embed = example.make_embedding("field")
    fields = embed(features)
    table = embed.get_weights()[[v.name for v in embed.weights].index(_table_name(embed))]
    buckets = tf.strings.to_hash_bucket_fast(
        tf.strings.as_string(tf.cast(features["3101"].values, tf.int64)), 10
    ).numpy()
    for row, ids in enumerate([buckets[:2], buckets[2:4], buckets[4:]]):
        expected = oracles.pooled(table, ids.tolist(), None, "mean")
        np.testing.assert_allclose(fields.vectors[row, 0], expected, rtol=1e-5)


def _table_name(embed: tf.keras.layers.Layer) -> str:
    return next(v.name for v in embed.weights if "3101" in v.name and v.shape[1] == 8)


@pytest.mark.long
def test_the_program_prints_both_levels(capsys: pytest.CaptureFixture) -> None:
    example.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3101_embedding: (3, 2, 8), lengths [2, 2, 1]"
    assert len(lines) == 3 + 2 * 4
