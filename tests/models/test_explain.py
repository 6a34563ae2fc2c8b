import pathlib
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm

fc = tf.feature_column
RNG = np.random.default_rng(3)


def columns() -> list:
    seen = fc.sequence_categorical_column_with_identity("seen", 12)
    film = fc.categorical_column_with_identity("film", 12)
    user = fc.categorical_column_with_identity("user", 12)
    return [fc.embedding_column(user, 4), *tfrs_afm.shared_embeddings([seen, film], 4)]


def batch(size: int) -> dict:
    return {
        "user": tf.constant(RNG.integers(0, 12, size)),
        "seen": tf.ragged.constant(
            [RNG.integers(0, 12, RNG.integers(0, 4)).tolist() for _ in range(size)], tf.int64, 1
        ),
        "film": tf.constant(RNG.integers(0, 12, size)),
    }


def joint() -> tfrs_afm.models.MultiTask:
    tasks = {"click": tfrs_afm.tasks.AFM(4), "buy": tfrs_afm.tasks.DeepFM([4])}
    return tfrs_afm.models.MultiTask(columns(), tasks)


MODELS = {
    "afm": (lambda: tfrs_afm.models.AFM(columns(), 4), None),
    "deepfm": (lambda: tfrs_afm.models.DeepFM(columns(), [4]), None),
    "ids": (
        lambda: tfrs_afm.models.AFM(columns(), 4, embedding=tfrs_afm.IdEmbedding(columns())),
        None,
    ),
    "joint": (joint, "buy"),
}


@pytest.mark.parametrize("name", MODELS)
def test_parts_add_up_to_the_logit_and_averages_to_the_mean_logit(name: str) -> None:
    make, task = MODELS[name]
    model, batches = make(), [batch(5), batch(8)]
    explained = [tfrs_afm.explain(model, one, task) for one in batches]
    for one in explained:
        total = one.bias + one.linear.sum(1) + one.pairs.sum(1) + one.deep
        np.testing.assert_allclose(total, one.logits, atol=1e-5)
    averages = tfrs_afm.explain_dataset(model, batches, task)
    assert averages.examples == 13
    np.testing.assert_array_equal(averages.contribution, averages.contribution.T)
    pairs = np.concatenate([one.pairs.sum(1) for one in explained])
    np.testing.assert_allclose(np.triu(averages.contribution).sum(), pairs.mean(), atol=1e-6)
    rows = averages.table()
    assert [row["magnitude"] for row in rows] == sorted(
        (r["magnitude"] for r in rows), reverse=True
    )
    np.testing.assert_allclose(sum(row["contribution"] for row in rows), pairs.mean(), atol=1e-6)


def test_averages_of_fields_are_those_of_a_loop() -> None:
    model, features = tfrs_afm.models.AFM(columns(), 4), batch(9)
    one = tfrs_afm.explain(model, features)
    averages = tfrs_afm.explain_dataset(model, [(features, tf.ones([9]))])
    for pair, (i, j) in enumerate(one.pair_members):
        np.testing.assert_allclose(averages.contribution[i, j], one.pairs[:, pair].mean())
        np.testing.assert_allclose(averages.magnitude[i, j], np.abs(one.pairs[:, pair]).mean())
        there = one.attention[:, pair] > 0
        np.testing.assert_allclose(
            averages.attention[i, j], one.attention[there, pair].mean(), rtol=1e-6
        )


def test_ids_are_named_by_field_and_place() -> None:
    model = MODELS["ids"][0]()
    features = {"user": [1], "seen": tf.ragged.constant([[2, 3]], tf.int64), "film": [4]}
    names = ["user_embedding[0]", "seen_shared_embedding[0]", "seen_shared_embedding[1]"]
    found = tfrs_afm.explain(
        model,
        {k: tf.convert_to_tensor(v) if isinstance(v, list) else v for k, v in features.items()},
    )
    assert found.fields[:3] == names
    assert found.fields_of[1] == found.fields_of[2] == "seen_shared_embedding"


@pytest.mark.matrix
@pytest.mark.parametrize("what", ["contribution", "magnitude", "attention"])
@pytest.mark.parametrize("name", ["afm", "deepfm"])
def test_heat_map_is_a_picture(name: str, what: str, tmp_path: pathlib.Path) -> None:
    averages = tfrs_afm.explain_dataset(MODELS[name][0](), [batch(4)])
    averages.heat_map(tmp_path / "pairs.png", what)
    assert (tmp_path / "pairs.png").read_bytes().startswith(b"\x89PNG")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    averages = tfrs_afm.explain_dataset(MODELS["afm"][0](), [batch(4)])
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'tfrs-afm\[report\]'"):
        averages.heat_map(tmp_path / "pairs.png")


def test_wrong_arguments_are_named(tmp_path: pathlib.Path) -> None:
    averages = tfrs_afm.explain_dataset(MODELS["afm"][0](), [batch(4)])
    with pytest.raises(ValueError, match="Received: what='heat'"):
        averages.heat_map(tmp_path / "pairs.png", "heat")
    with pytest.raises(
        ValueError, match=r"Received: task='like'. Choose one of \['buy', 'click'\]"
    ):
        tfrs_afm.explain(joint(), batch(2), "like")
    with pytest.raises(ValueError, match="Leave it out: there is only one"):
        tfrs_afm.explain(MODELS["afm"][0](), batch(2), "click")
    with pytest.raises(ValueError, match="`batches` must hold examples"):
        tfrs_afm.explain_dataset(MODELS["afm"][0](), [])


class Own(tf.keras.Model):
    """Somebody's own model: a rule behind the task, and something before the embedding layer."""

    def __init__(self, *, tasks: int = 1, ids: bool = False) -> None:
        super().__init__()
        make = tfrs_afm.IdEmbedding if ids else tfrs_afm.FieldEmbedding
        self.embed = make(columns())
        self.scorers = [tfrs_afm.tasks.AFM(4) for _ in range(tasks)]

    def call(self, features: dict) -> tf.Tensor:
        return tf.clip_by_value(self.scorers[0].logits(*self.embed(features)[:3]), -1.0, 1.0)


@pytest.mark.parametrize("ids", [False, True])
def test_a_model_of_your_own_is_explained_as_a_ready_one_is(ids: bool) -> None:
    model, features = Own(ids=ids), batch(5)
    model(features)
    one = tfrs_afm.explain(model, features)
    logits = model.scorers[0].logits(*model.embed(features)[:3])
    np.testing.assert_allclose(one.logits, logits[:, 0], atol=1e-6)
    total = one.bias + one.linear.sum(1) + one.pairs.sum(1) + one.deep
    np.testing.assert_allclose(total, one.logits, atol=1e-5)
    for same in (
        tfrs_afm.explain(model.embed, model.scorers[0], features),
        tfrs_afm.explain(model.embed, features, model.scorers[0]),
        tfrs_afm.explain(model, features, model.scorers[0]),
    ):
        assert same.pair_names == one.pair_names
        np.testing.assert_array_equal(same.pairs, one.pairs)
    averages = tfrs_afm.explain_dataset(model, [(features, tf.ones([5]))])
    np.testing.assert_allclose(
        np.triu(averages.contribution).sum(), one.pairs.sum(1).mean(), atol=1e-6
    )


def test_what_cannot_be_explained_says_what_it_has() -> None:
    features = batch(2)
    with pytest.raises(
        TypeError, match=r"one embedding layer .*model=Sequential with 0.*explain\("
    ):
        tfrs_afm.explain(tf.keras.Sequential(), features)
    with pytest.raises(TypeError, match=r"one task .*model=Own with 2"):
        tfrs_afm.explain(Own(tasks=2), features)
    with pytest.raises(TypeError, match=r"one task .*model=FieldEmbedding with 0"):
        tfrs_afm.explain(tfrs_afm.FieldEmbedding(columns()), features)
    with pytest.raises(ValueError, match="task='buy' for model=Own"):
        tfrs_afm.explain(Own(), features, "buy")
    task = tfrs_afm.tasks.Ranking(tf.keras.layers.Dense(1))
    with pytest.raises(ValueError, match="interaction=Dense"):
        tfrs_afm.explain(Own(), features, task)
