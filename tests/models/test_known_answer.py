import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
FIELDS = ["a", "b", "c", "d"]


def planted() -> tuple[dict, np.ndarray]:
    """Labels are the parity of fields a and c; b and d are noise."""
    rng = np.random.default_rng(0)
    features = {name: rng.integers(0, 2, 2000) for name in FIELDS}
    return features, (features["a"] ^ features["c"]).astype(np.float32)


def fitted(model: tf.keras.Model) -> float:
    features, labels = planted()
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(100)
    model.compile(tf.keras.optimizers.Adam(0.05))
    model.fit(data, epochs=8, verbose=0)
    return float(model.evaluate(data, verbose=0, return_dict=True)["auc"])


def columns() -> list:
    return [fc.embedding_column(fc.categorical_column_with_identity(n, 2), 4) for n in FIELDS]


class Straight(tf.keras.Model):
    """The linear term alone."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = tfrs_afm.FieldEmbedding(columns())
        self.score = tfrs_afm.interactions.Linear()

    def call(self, features: dict) -> tf.Tensor:
        fields = self.embed(features)
        return tf.sigmoid(self.score(fields.linear, mask=fields.mask))


@pytest.mark.long
def test_the_linear_term_alone_cannot_learn_a_parity() -> None:
    features, labels = planted()
    model = Straight()
    model.compile(tf.keras.optimizers.Adam(0.05), "bce", metrics=[tf.keras.metrics.AUC(name="auc")])
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(100)
    model.fit(data, epochs=8, verbose=0)
    assert model.evaluate(data, verbose=0, return_dict=True)["auc"] < 0.6


@pytest.mark.long
def test_afm_learns_the_parity_and_gives_the_planted_pair_the_most() -> None:
    model = tfrs_afm.models.AFM(columns(), attention_units=8)
    assert fitted(model) > 0.99
    explained = tfrs_afm.explain(model, planted()[0])
    shares = np.abs(explained.pairs).mean(0)
    assert explained.pair_names[int(shares.argmax())] == ("a_embedding", "c_embedding")


@pytest.mark.long
@pytest.mark.parametrize("units", [[16, 8]])
def test_deepfm_learns_the_parity(units: list) -> None:
    assert fitted(tfrs_afm.models.DeepFM(columns(), units=units)) > 0.99
