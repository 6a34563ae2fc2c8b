"""The models of MovieLens-100K, ready to train."""

import math
from typing import Any

import tensorflow as tf

import tfrs_afm
from pipelines.baselines.logistic_regression import LogisticRegression
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.recipes.movielens_100k.columns import columns
from pipelines.recipes.movielens_100k.settings import Settings

MODELS = ("afm", "deepfm", "logistic_regression")


def build(name: str, spec: FeatureSpec, settings: Settings) -> Any:
    """Makes a compiled model with fresh weights, which the seed fixes.

    Args:
        name: One of `MODELS`.
        spec: The description of the examples.
        settings: Hyper-parameters and seed.

    Returns:
        A `tfrs.Model` with `columns`, its variables made.

    Raises:
        ValueError: If there is no such model.
    """
    if name not in MODELS:
        raise ValueError(f"`name` must be one of {', '.join(MODELS)}. Received: name={name}.")
    chosen: Settings.Model = getattr(settings, name)
    tf.keras.utils.set_random_seed(settings.seed)
    fields = columns(spec.features, chosen.dimension, chosen.stddev)
    if name == "afm":
        model = tfrs_afm.models.AFM(fields, chosen.attention_units, dropout=chosen.dropout)
    elif name == "deepfm":
        model = tfrs_afm.models.DeepFM(fields, chosen.units, dropout=chosen.dropout)
    else:
        model = LogisticRegression(fields)
    steps = math.ceil(spec.parts["train"].examples / settings.batch_size)
    model.compile(
        tf.keras.optimizers.Adam(
            chosen.learning_rate,
            weight_decay=chosen.weight_decay or None,
            use_ema=True,
            ema_momentum=chosen.averaging,
            ema_overwrite_frequency=steps,  # so that each epoch is judged by the average
        )
    )
    # An empty batch makes the variables, so that weights can be loaded before the first real one.
    model(tf.io.parse_example(tf.zeros([0], tf.string), tfrs_afm.parse_spec(fields)))
    return model
