"""Models of several tasks: each is served as a model of its own would be."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs

import serving
import tfrs_afm
from serving.client import SchemaError
from serving.commands.ask import PREDICT
from serving.sidecar import read_sidecar
from tests.serving.exporting import rankers

ROWS = [{"user_id": 3, "movie_id": 7, "history": [1, 5]}, {"user_id": 4, "movie_id": 9}]
CONTEXT, FILMS = {"user_id": 3, "history": [1, 5]}, [7, 9, 11]


class TwoHeads(tf.keras.Model):
    """Somebody's model: a dict of one number each, by heads that we know nothing of."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = tfrs_afm.FieldEmbedding(rankers.small_columns())
        self.heads = {"click": tf.keras.layers.Dense(1), "rating": tf.keras.layers.Dense(1)}

    def call(self, features: Any) -> Any:
        pooled = tf.reduce_sum(self.embed(features).vectors, axis=1)
        return {name: head(pooled) for name, head in self.heads.items()}


def multi_task() -> Any:
    losses = tfrs_afm.tasks.losses
    tasks = {
        "click": tfrs_afm.tasks.DeepFM([4]),
        "rating": tfrs_afm.tasks.AFM(4, loss=losses.ClippedSquaredError(1.0, 5.0)),
    }
    return tfrs_afm.models.MultiTask(rankers.small_columns(), tasks)


def tensors(rows: list[dict[str, Any]]) -> dict[str, Any]:
    lists = tf.ragged.constant([row.get("history", []) for row in rows], tf.int64)
    ids = {key: tf.constant([row[key] for row in rows]) for key in ("user_id", "movie_id")}
    return {"history": lists.to_sparse(), **ids}


@pytest.fixture(scope="module", params=["ours", "somebody's"])
def exported(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    model = multi_task() if request.param == "ours" else TwoHeads()
    model(tensors(ROWS))
    for number, weight in enumerate(model.trainable_variables):
        weight.assign(0.5 * tf.random.stateless_normal(weight.shape, [number, 3]))
    folder = tmp_path_factory.mktemp("tasks") / "ranker"
    path = serving.export(model, folder, candidate_features=["movie_id"])
    assert isinstance(path, Path)
    return model, path


@pytest.mark.long
@pytest.mark.parametrize("way", ["process", "grpc", "rest"])
def test_each_task_is_served_by_its_name(exported: tuple[Any, Path], way: str) -> None:
    model, path = exported
    ours = isinstance(model, tfrs_afm.models.MultiTask)
    sidecar = read_sidecar(path)
    assert sidecar["tasks"] == ["click", "rating"]
    per_task = {f"{task}/{kind}" for task in sidecar["tasks"] for kind in ("rank", "regression")}
    known = {"click/classification", "click/explain", "rating/explain"} if ours else set()
    assert set(sidecar["signatures"]) == {"serving_default", "tensors", *per_task, *known}
    expected = {task: one[:, 0].numpy() for task, one in model(tensors(ROWS)).items()}
    ranked = model(tensors([{**CONTEXT, "movie_id": film} for film in FILMS]))
    options = serving.ServerOptions(model_base_path=path.parent)
    with serving.LocalServer(options) as server:  # which warms up by the requests in the files
        address = {"process": path, "grpc": server.grpc_address, "rest": server.rest_url}[way]
        with serving.Client(str(address), schema=path) as client:
            found = client.predict(ROWS)
            assert list(found) == ["click", "rating"]
            for task, scores in expected.items():
                np.testing.assert_allclose(found[task], scores, atol=1e-5)
                np.testing.assert_allclose(client.predict(ROWS, task=task), scores, atol=1e-5)
                np.testing.assert_allclose(client.regress(ROWS, task=task), scores, atol=1e-5)
                got = client.rank(CONTEXT, rank_candidates(sidecar), task=task)
                np.testing.assert_allclose(got, ranked[task][:, 0], atol=1e-5)
            if ours:
                classes = client.classify(ROWS, task="click")
                np.testing.assert_allclose(classes["scores"][:, 1], expected["click"], atol=1e-5)
                for task, one in model.task.tasks.items():
                    top = client.explain(ROWS, task=task)[0][0]
                    fields = model.embedding(tensors(ROWS))
                    shares = np.abs(one.interaction.contributions(*fields).pairs[0])
                    assert abs(top["contribution"]) == pytest.approx(shares.max(), rel=1e-4)


def rank_candidates(sidecar: Any) -> list[Any]:
    ids = sidecar["rank"]["candidates"] == "ids"
    return list(FILMS) if ids else [{"movie_id": film} for film in FILMS]


@pytest.mark.long
def test_a_task_is_named_where_there_are_several(
    exported: tuple[Any, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, path = exported
    with serving.Client(path) as client:
        for task in ("", "clicks"):
            with pytest.raises(SchemaError, match=r"`task` must be one of \['click', 'rating'\]"):
                client.regress(ROWS, task=task)
        found = client.predict(ROWS)
    parser = argparse.ArgumentParser()
    PREDICT.add_arguments(parser)
    row = '{"user_id": 3, "movie_id": 7, "history": [1, 5]}'
    assert PREDICT.run(parser.parse_args([str(path), row])) == 0
    assert f'"rating": {float(found["rating"][0]):.5}'[:14] in capsys.readouterr().out


def test_a_model_of_one_task_takes_no_name(deepfm: Any) -> None:
    with serving.Client(deepfm.path) as client:
        with pytest.raises(SchemaError, match="`task` must be left out for a model of one task"):
            client.predict(ROWS, task="click")
        with pytest.raises(SchemaError, match="`task` must be left out"):
            client.rank(CONTEXT, FILMS, task="click")


class _Reads(rankers.WholeRanker):
    def call(self, features: Any) -> Any:
        return super().call(features) + tf.cast(features["hour"], tf.float32)[:, tf.newaxis]


class _Named(rankers.WholeRanker):
    def call(self, features: Any) -> Any:
        return {"a b": super().call(features)}


class _Wide(rankers.WholeRanker):
    def call(self, features: Any) -> Any:
        return {"click": tf.repeat(super().call(features), 2, axis=1)}


class _Crosses(tf.keras.layers.Layer):
    """Our embedding inside of somebody's interaction."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = tfrs_afm.FieldEmbedding(rankers.small_columns())

    def call(self, inputs: Any) -> Any:
        return tf.concat(inputs, 1)


def _tfrs_ranking() -> Any:
    table = tf.tpu.experimental.embedding.TableConfig(20, 4)
    feature = tf.tpu.experimental.embedding.FeatureConfig(table)
    return tfrs.experimental.models.Ranking(
        embedding_layer=tfrs.layers.embedding.TPUEmbedding(
            {"movie_id": feature}, tf.keras.optimizers.legacy.SGD(0.1)
        ),
        bottom_stack=tfrs.layers.blocks.MLP(units=[4], final_activation="relu"),
        feature_interaction=_Crosses(),
        top_stack=tfrs.layers.blocks.MLP(units=[1], final_activation="sigmoid"),
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: _Reads(rankers.small_columns()),
            r"`model` must answer on the features \['history', 'movie_id', 'user_id'\]\. Received: "
            r"model=_Reads, which fails with KeyError: .*hour.*say which in `features`\.",
        ),
        (_tfrs_ranking, r"`model` must answer on the features .*model=Ranking, which fails with"),
        (lambda: _Named(rankers.small_columns()), r"`model` must name its answers .*\['a b'\]"),
        (lambda: _Wide(rankers.small_columns()), r"must answer with one number per example.*2\)"),
    ],
)
def test_what_cannot_be_served_is_told(make: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message) as error:
        serving.export(make(), tmp_path)
    assert len(str(error.value)) < 700  # no tensors
    assert "tf.Tensor" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
def test_several_tasks_are_served_from_small_tables(tmp_path: Path) -> None:
    model = multi_task()
    model(tensors(ROWS))
    for number, weight in enumerate(model.trainable_variables):
        weight.assign(0.1 * tf.random.stateless_normal(weight.shape, [number, 3]))
    path = serving.export(model, tmp_path / "ranker", tables="int8")
    assert isinstance(path, Path)
    about = read_sidecar(path)["tables"]
    assert about["bytes"] < 0.6 * about["bytes_float32"]
    expected = {task: one[:, 0].numpy() for task, one in model(tensors(ROWS)).items()}
    with serving.Client(path) as client:
        served = client.predict(ROWS)
    assert served.keys() == expected.keys()
    off = [np.abs(served[task] - scores).max() for task, scores in expected.items()]
    assert 0 < max(off) <= 0.05
    rows = [one.SerializeToString() for one in rankers.examples()]
    with pytest.raises(ValueError, match="must be left out for a model of several tasks"):
        serving.export(
            model, tmp_path / "b", tables="int8", auc_tolerance=0.1, label="age", examples=rows
        )
