import pathlib

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
RNG = np.random.default_rng(4)


def columns() -> list:
    seen = fc.sequence_categorical_column_with_identity("seen", 20)
    film = fc.categorical_column_with_identity("film", 20)
    return [
        fc.embedding_column(fc.categorical_column_with_hash_bucket("user", 30, tf.int64), 4),
        *tfrs_afm.shared_embeddings([seen, film], 4),
        fc.numeric_column("age", default_value=30.0),
        fc.indicator_column(fc.categorical_column_with_vocabulary_list("sex", ["F", "M"])),
    ]


MODELS = {
    "AFM": lambda **kw: tfrs_afm.models.AFM(columns(), attention_units=4, **kw),
    "DeepFM": lambda **kw: tfrs_afm.models.DeepFM(columns(), units=[8], **kw),
}


def batch(size: int = 12) -> dict:
    return {
        "user": tf.constant(RNG.integers(0, 99, size)),
        "seen": tf.ragged.constant(
            [RNG.integers(0, 20, RNG.integers(0, 5)).tolist() for _ in range(size)], tf.int64, 1
        ),
        "film": tf.constant(RNG.integers(0, 20, size)),
        "age": tf.constant(RNG.normal(size=(size, 1)), tf.float32),
        "sex": tf.constant(RNG.choice(["F", "M", "?"], size)),
    }


def rows(features: dict, which: slice) -> dict:
    return {name: value[which] for name, value in features.items()}


@pytest.mark.parametrize("name", MODELS)
def test_splitting_a_batch_changes_no_score(name: str) -> None:
    model, features = MODELS[name](), batch()
    whole = model(features).numpy()
    parts = [model(rows(features, slice(i, i + 1))).numpy() for i in range(12)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_padding_and_batch_mates_change_no_score(name: str) -> None:
    model, features = MODELS[name](), batch()
    expected = model(features).numpy()
    padded = features["seen"].to_tensor(-1, shape=[12, 40])
    np.testing.assert_allclose(model({**features, "seen": padded}), expected, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_an_all_empty_history_scores_and_trains_finitely(name: str) -> None:
    model, features = MODELS[name](), batch()
    features["seen"] = tf.ragged.constant([[]] * 12, tf.int64, 1)
    assert np.isfinite(model(features)).all()
    # Two steps run sooner than one is traced, and other tests here train in a graph.
    model.compile(tf.keras.optimizers.Adagrad(0.1), run_eagerly=True)
    model.fit(tf.data.Dataset.from_tensors((features, tf.ones([12]))), epochs=2, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_model_learns_and_the_same_seed_gives_the_same_numbers_twice(name: str) -> None:
    features = batch(200)
    labels = (features["film"].numpy() % 2).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(50)

    def fit() -> tuple:
        tf.keras.utils.set_random_seed(3)
        model = MODELS[name]()
        model.compile(tf.keras.optimizers.Adagrad(0.5))
        history = model.fit(data, epochs=15, verbose=0).history
        return history, model.predict(data, verbose=0)

    (history, first), (again, second) = fit(), fit()
    assert history["auc"][-1] > 0.95
    assert history == again
    np.testing.assert_array_equal(first, second)


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_reported_loss_is_the_true_mean_of_the_epoch(name: str) -> None:
    """A plain tfrs.Model reports the loss of the last batch."""
    model, features = MODELS[name](), batch(10)
    labels = tf.constant([1.0] * 8 + [0.0] * 2)
    model.compile(tf.keras.optimizers.SGD(0.0))
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(8)
    reported = model.evaluate(data, verbose=0, return_dict=True)
    p = model(features).numpy()[:, 0].astype(np.float64)
    expected = -np.mean(np.where(labels == 1, np.log(p), np.log(1 - p)))
    np.testing.assert_allclose(reported["loss"], expected, rtol=1e-4)
    np.testing.assert_allclose(model.fit(data, verbose=0).history["loss"], expected, rtol=1e-4)


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_keras_file_and_checkpoint_bring_the_scores_back(name: str, tmp_path: pathlib.Path) -> None:
    model, features = MODELS[name](l2=0.01), batch()
    model.compile(tf.keras.optimizers.Adagrad(0.1))
    data = tf.data.Dataset.from_tensors((features, tf.ones([12])))
    model.fit(data, verbose=0)
    expected = model(features)
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(features), expected, atol=1e-6)

    path = tf.train.Checkpoint(model=model).save(str(tmp_path / "checkpoint"))
    other = MODELS[name]()
    other(features)
    tf.train.Checkpoint(model=other).restore(path).expect_partial()
    np.testing.assert_allclose(other(features), expected, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_explanation_adds_up_to_the_logit(name: str) -> None:
    model, features = MODELS[name](), batch()
    explained = tfrs_afm.explain(model, features)
    total = explained.bias + explained.linear.sum(1) + explained.pairs.sum(1) + explained.deep
    np.testing.assert_allclose(total, explained.logits, atol=1e-5)
    assert len(explained.pair_names) == 10
    top = explained.top_pairs(0, 3)
    assert len(top) == 3
    assert abs(top[0]["contribution"]) >= abs(top[2]["contribution"])
    assert set(top[0]["fields"]) <= set(explained.fields)


def test_a_data_set_without_labels_is_refused() -> None:
    model = MODELS["AFM"]()
    model.compile(tf.keras.optimizers.SGD(0.1))
    with pytest.raises(ValueError, match="must be \\(features, labels\\)"):
        model.fit(tf.data.Dataset.from_tensors(batch()), verbose=0)


def test_sample_weights_reach_the_loss() -> None:
    model, features = MODELS["AFM"](), batch(4)
    model.compile(tf.keras.optimizers.SGD(0.0))
    data = tf.data.Dataset.from_tensors((features, tf.ones([4]), tf.zeros([4])))
    assert model.evaluate(data, verbose=0, return_dict=True)["loss"] == 0.0


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_mixed_precision_trains_with_loss_scaling(name: str) -> None:
    features = batch(200)
    labels = (features["film"].numpy() % 2).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((features, labels)).batch(50)
    tf.keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = MODELS[name]()
        optimizer = tf.keras.optimizers.Adagrad(0.5)
        model.compile(tf.keras.mixed_precision.LossScaleOptimizer(optimizer))
        history = model.fit(data, epochs=15, verbose=0).history
        assert model(features).dtype == tf.float32
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    assert np.isfinite(history["loss"]).all()
    assert history["auc"][-1] > 0.9


def test_deepfm_takes_an_embedding_of_its_own_and_keeps_it(tmp_path: pathlib.Path) -> None:
    rule = tfrs_afm.embeddings.LastK(2)
    embedding = tfrs_afm.FieldEmbedding(columns(), pooling={"seen_shared_embedding": rule})
    model, features = MODELS["DeepFM"](embedding=embedding), batch()
    assert model.embedding is embedding
    expected = model(features).numpy()
    model.save(tmp_path / "model.keras")
    loaded = tf.keras.models.load_model(tmp_path / "model.keras", compile=False)
    np.testing.assert_array_equal(loaded(features), expected)
    assert loaded.embedding.pooling["seen_shared_embedding"].k == 2
