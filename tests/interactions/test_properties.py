import numpy as np
import pytest
import tensorflow as tf

from tfrs_afm import interactions

RNG = np.random.default_rng(11)
VECTORS = RNG.normal(size=(3, 4, 5)).astype(np.float32)
POOLINGS = {
    "sum": interactions.SumPooling,
    "average": interactions.AveragePooling,
    "max": interactions.MaxPooling,
    "attention": lambda: interactions.AttentionPooling(4),
}


def test_a_plain_list_of_tensors_is_the_stacked_input() -> None:
    layer = interactions.AFM(4)
    parts = [tf.constant(VECTORS[:, i]) for i in range(4)]
    np.testing.assert_allclose(layer(parts), layer(tf.constant(VECTORS)), rtol=1e-6)


def test_afm_shows_the_layer_that_pools_its_pairs() -> None:
    own = interactions.MaxPooling()
    assert interactions.AFM(pooling=own).pairs_pooling is own
    layer = interactions.AFM(4, temperature=2.0)
    assert isinstance(layer.pairs_pooling, interactions.AttentionPooling)
    assert (layer.pairs_pooling.units, layer.pairs_pooling.temperature) == (4, 2.0)
    pairs, mask = interactions.PairwiseProduct()(tf.constant(VECTORS), mask=tf.ones([3, 4], bool))
    expected = tf.reduce_sum(layer.pairs_pooling(pairs, mask=mask), axis=1, keepdims=True)
    np.testing.assert_allclose(layer(tf.constant(VECTORS)), expected, rtol=1e-5)
    with pytest.raises(AttributeError):
        layer.pairs_pooling = own


def test_permuting_members_changes_no_afm_score() -> None:
    layer = interactions.AFM(4)
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(
        layer(tf.constant(VECTORS)), layer(tf.constant(VECTORS[:, order])), rtol=1e-5
    )


@pytest.mark.parametrize("make", [lambda: interactions.AFM(4), lambda: interactions.DeepFM([8])])
def test_what_stands_behind_the_mask_changes_nothing_not_even_nan(make: object) -> None:
    layer = make()  # type: ignore[operator]
    mask = tf.constant([[True, True, False, True]] * 3)
    clean, dirty = VECTORS.copy(), VECTORS.copy()
    clean[:, 2], dirty[:, 2] = 0, np.nan
    expected = layer(tf.constant(clean), mask)
    vectors = tf.constant(dirty)
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        scores = layer(vectors, mask)
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    gradient = tape.gradient(scores, vectors).numpy()
    assert np.isfinite(gradient).all()
    assert (gradient[:, 2] == 0).all()


def test_a_masked_member_takes_no_share_of_the_softmax() -> None:
    layer = interactions.AFM(4)
    mask = tf.constant([[True, True, True, False]] * 3)
    masked = layer(tf.constant(VECTORS), mask)
    np.testing.assert_allclose(masked, layer(tf.constant(VECTORS[:, :3])), rtol=1e-5)


def test_a_row_without_real_members_is_the_bias_and_has_finite_gradients() -> None:
    layer = interactions.AFM(4, attention_dropout=0.5)
    with tf.GradientTape() as tape:
        scores = layer(tf.constant(VECTORS), tf.zeros([3, 4], tf.bool), training=True)
    assert scores.numpy().tolist() == [[0.0]] * 3
    for gradient in tape.gradient(scores, layer.trainable_variables):
        assert np.isfinite(gradient.numpy()).all()


def test_attention_sums_to_one_over_real_pairs_and_differs_from_the_plain_mean() -> None:
    layer = interactions.AttentionPooling(4)
    pairs = tf.constant(RNG.normal(size=(2, 6, 5)), tf.float32)
    mask = tf.constant([[True] * 4 + [False] * 2, [False] * 6])
    layer(pairs, mask)
    attention = layer.attention(pairs, mask).numpy()
    np.testing.assert_allclose(attention.sum(1), [1, 0], atol=1e-6)
    assert (attention[0, 4:] == 0).all()
    assert np.ptp(attention[0, :4]) > 0.01


def test_with_h_zero_afm_is_the_mean_of_the_pairs() -> None:
    layer = interactions.AFM(4)
    layer(tf.constant(VECTORS))
    layer._pooling.projection.assign(tf.zeros([4, 1]))
    machine = interactions.FactorizationMachine()(tf.constant(VECTORS))
    np.testing.assert_allclose(layer(tf.constant(VECTORS)), machine / 6, rtol=1e-4, atol=1e-5)


def test_with_attention_fixed_to_one_and_p_one_afm_is_fm() -> None:
    layer = interactions.AFM(pooling=interactions.SumPooling())
    mask = tf.constant(RNG.random((3, 4)) < 0.8)
    machine = interactions.FactorizationMachine()
    for groups in (None, tf.constant([0, 0, 1, 2])):
        ours = layer(tf.constant(VECTORS), mask, groups=groups)
        expected = machine(tf.constant(VECTORS), mask, groups=groups)
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("groups", [None, [0, 0, 1, 2], [0, 0, 0, 0]])
@pytest.mark.parametrize("name", POOLINGS)
def test_pooling_members_is_pooling_their_pairs(name: str, groups: list | None) -> None:
    """With a row of nothing real, and groups that leave no pair at all."""
    layer = POOLINGS[name]()
    mask = tf.constant([[True] * 4, [True, False, True, True], [False] * 4])
    vectors = tf.where(mask[:, :, tf.newaxis], VECTORS, 0.0)
    pairs, pair_mask = interactions.PairwiseProduct()(vectors, mask=mask, groups=groups)
    expected = layer(pairs, mask=pair_mask)
    np.testing.assert_allclose(
        layer.pool_members(vectors, mask, groups), expected, rtol=1e-5, atol=1e-6
    )
    attention = layer.attention(pairs, pair_mask)
    if attention.shape.rank == 2:
        attention = attention[:, :, tf.newaxis]
    np.testing.assert_allclose(tf.reduce_sum(attention * pairs, 1), expected, atol=1e-5)


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("name", POOLINGS)
def test_without_any_pair_a_pooling_gives_zeros(name: str, n: int) -> None:
    layer = POOLINGS[name]()
    empty = tf.zeros([2, 0, 5])
    assert layer(empty, mask=tf.zeros([2, 0], tf.bool)).numpy().tolist() == [[0.0] * 5] * 2
    pooled = layer.pool_members(tf.ones([2, n, 5]), tf.ones([2, n], tf.bool))
    assert pooled.numpy().tolist() == [[0.0] * 5] * 2


def test_average_and_maximum_do_not_count_masked_pairs() -> None:
    pairs = tf.constant([[[-1.0], [-3.0], [5.0]]])
    mask = tf.constant([[True, True, False]])
    assert interactions.AveragePooling()(pairs, mask=mask).numpy().tolist() == [[-2.0]]
    assert interactions.MaxPooling()(pairs, mask=mask).numpy().tolist() == [[-1.0]]


@pytest.mark.parametrize("name", POOLINGS)
def test_contributions_of_every_pooling_add_up(name: str) -> None:
    layer = interactions.AFM(pooling=POOLINGS[name]())
    mask = tf.constant(RNG.random((3, 4)) < 0.8)
    groups = tf.constant([0, 1, 1, 2])
    logits = layer(tf.constant(VECTORS), mask, groups=groups)
    parts = layer.contributions(tf.constant(VECTORS), mask, groups=groups)
    total = parts.bias + tf.reduce_sum(parts.pairs, axis=1)
    np.testing.assert_allclose(total, logits[:, 0], atol=1e-5)
    assert (parts.pairs.numpy()[:, 3] == 0).all()  # the pair within group 1


@pytest.mark.parametrize("make", [lambda: interactions.AFM(4), lambda: interactions.DeepFM([8])])
def test_contributions_add_up_to_the_logit(make: object) -> None:
    layer = make()  # type: ignore[operator]
    mask = tf.constant(RNG.random((3, 4)) < 0.7)
    terms = tf.constant(RNG.normal(size=(3, 4)), tf.float32)
    logits = layer(tf.constant(VECTORS), mask, terms).numpy()[:, 0]
    parts = layer.contributions(tf.constant(VECTORS), mask, terms)
    total = parts.bias + tf.reduce_sum(parts.linear, 1) + tf.reduce_sum(parts.pairs, 1) + parts.deep
    np.testing.assert_allclose(total, logits, atol=1e-5)


def test_dropout_applies_in_training_only() -> None:
    layer = interactions.AFM(4, dropout=0.5, attention_dropout=0.5)
    plain = layer(tf.constant(VECTORS))
    np.testing.assert_array_equal(plain, layer(tf.constant(VECTORS), training=False))
    assert np.abs(plain - layer(tf.constant(VECTORS), training=True)).max() > 1e-3


def test_l2_of_the_attention_is_on_its_kernel_alone() -> None:
    layer = interactions.AFM(4, attention_l2=0.5)
    layer(tf.constant(VECTORS))
    (loss,) = layer.losses
    np.testing.assert_allclose(loss, 0.5 * np.square(layer._pooling.kernel).sum(), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: interactions.AttentionPooling(0), "`units` must be positive. Received: units=0."),
        (
            lambda: interactions.AFM(4, temperature=0.0),
            "`temperature` must be positive. Received: temperature=0.0.",
        ),
        (lambda: interactions.Deep([]), "`units` must hold positive widths. Received: units=[]."),
    ],
)
def test_wrong_arguments_are_named(make: object, text: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the text is compared below
        make()  # type: ignore[operator]
    assert str(error.value).startswith(text)


def test_a_tower_over_an_unknown_number_of_members_is_refused() -> None:
    layer = interactions.Deep([4])
    with pytest.raises(ValueError, match="static number of members"):
        tf.function(layer).get_concrete_function(tf.TensorSpec([None, None, 3]))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_in_half_precision_a_bias_before_batch_norm_stays(policy: str) -> None:
    """Its gradient is 0; what rounding left of it, Adam made full steps of, and AUC fell to .8."""
    layer = interactions.Deep([8, 4], batch_norm=True, dtype=policy)
    vectors = tf.random.stateless_normal([512, 3, 4], [1, 2])
    with tf.GradientTape() as tape:
        scores = tf.cast(layer(vectors, training=True), tf.float32)
        loss = tf.reduce_mean(tf.square(scores - vectors[:, 0, :1]))
    gradients = tape.gradient(loss, layer.trainable_variables)
    biases = [one for one in layer.tower.layers if isinstance(one, tf.keras.layers.Dense)]
    for dense, expected in zip(biases, [False, False, True], strict=True):
        (index,) = [i for i, one in enumerate(layer.trainable_variables) if one is dense.bias]
        assert bool(tf.reduce_any(gradients[index] != 0)) == expected
    kernels = [
        g for g, v in zip(gradients, layer.trainable_variables, strict=True) if "kernel" in v.name
    ]
    assert all(bool(tf.reduce_any(one != 0)) for one in kernels)
