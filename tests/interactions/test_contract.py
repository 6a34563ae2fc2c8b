import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.contracts import check_layer
from tfrs_afm import interactions

LAYERS: dict[str, tuple[Callable[[], Any], bool, bool]] = {
    # name: (maker, takes linear terms, may have an unknown number of members)
    "factorization_machine": (interactions.FactorizationMachine, False, True),
    "pairwise_product": (interactions.PairwiseProduct, False, True),
    "attention_pooling": (lambda: interactions.AttentionPooling(3, l2=0.1), False, True),
    "deep": (lambda: interactions.Deep([6, 5], "tanh", batch_norm=True, l2=0.1), False, False),
    "afm": (lambda: interactions.AFM(3, 0.1, 0.2, 0.1, 2.0), True, True),
    "sum_pooling": (interactions.SumPooling, False, True),
    "average_pooling": (interactions.AveragePooling, False, True),
    "max_pooling": (interactions.MaxPooling, False, True),
    "afm_of_means": (lambda: interactions.AFM(pooling=interactions.AveragePooling()), True, True),
    "afm_of_maxima": (lambda: interactions.AFM(pooling=interactions.MaxPooling()), True, True),
    "afm_with_own_attention": (
        lambda: interactions.AFM(pooling=interactions.AttentionPooling(3, 0.2, 0.1, 2.0)),
        True,
        True,
    ),
    "afm_with_tower": (lambda: interactions.AFM(3, deep=interactions.Deep([4])), True, False),
    "field_pair_weights": (interactions.FieldPairWeights, False, False),
    "afm_of_field_pair_weights": (
        lambda: interactions.AFM(pooling=interactions.FieldPairWeights()),
        True,
        False,
    ),
    "afm_of_field_pair_matrices": (
        lambda: interactions.AFM(pooling=interactions.FieldPairMatrices(0.1)),
        True,
        False,
    ),
    "batch_norm_pooling": (
        lambda: interactions.BatchNormPooling(interactions.AttentionPooling(3), 0.9),
        False,
        True,
    ),
    "afm_with_batch_norm": (
        lambda: interactions.AFM(
            pooling=interactions.BatchNormPooling(interactions.FieldPairMatrices())
        ),
        True,
        False,
    ),
    "attention_without_softmax": (
        lambda: interactions.AttentionPooling(3, temperature=2.0, softmax=False),
        False,
        True,
    ),
    "batch_norm_of_pairs": (
        lambda: interactions.BatchNormPooling(interactions.SumPooling(), 0.9, of_pairs=True),
        False,
        True,
    ),
    "afm_with_both": (
        lambda: interactions.AFM(
            pooling=interactions.BatchNormPooling(
                interactions.AttentionPooling(2, pair_dropout=0.1, softmax=False), of_pairs=True
            )
        ),
        True,
        True,
    ),
    "gated_afm": (lambda: interactions.FieldGate(interactions.AFM(3)), True, False),
    "gated_deepfm": (lambda: interactions.FieldGate(interactions.DeepFM([4])), True, False),
    "afm_in_sets": (lambda: interactions.MultiEmbedding(interactions.AFM(3), 3), True, True),
    "deepfm": (lambda: interactions.DeepFM([6, 5], dropout=0.1), True, False),
}


@pytest.mark.matrix
@pytest.mark.parametrize("name", LAYERS)
def test_layer_keeps_the_contract(name: str, tmp_path: pathlib.Path) -> None:
    make, takes_linear, variable = LAYERS[name]
    rng = np.random.default_rng(3)
    vectors = tf.constant(rng.normal(size=(5, 4, 3)), tf.float32)
    mask = tf.constant(
        [[True] * 4, [True, False] * 2, [False] * 4, [True] * 3 + [False], [True] * 4]
    )
    inputs = [vectors, mask]
    if takes_linear:
        inputs.append(tf.constant(rng.normal(size=(5, 4)), tf.float32))
    check_layer(make, tuple(inputs), tmp_path / "layer", variable_members=variable)


def test_linear_keeps_the_contract(tmp_path: pathlib.Path) -> None:
    terms = tf.constant(np.random.default_rng(3).normal(size=(5, 4)), tf.float32)
    mask = tf.constant([[True] * 4, [True, False] * 2, [False] * 4, [True] * 4, [True] * 4])
    check_layer(interactions.Linear, (terms, mask), tmp_path / "layer")
