"""The recipes of MovieLens-100K on a few made-up ratings."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.configuration.configuration import Configuration
from pipelines.configuration.load_configuration import load_configuration
from pipelines.fitting.fit import Fitted
from pipelines.modelling.build_model import build_model, load_model
from pipelines.readers.batch_options import BatchOptions
from pipelines.readers.batches import Batches
from pipelines.readers.formats import FormatOptions
from pipelines.runs.run_folder import RunFolder
from pipelines.runs.train_run import train_run
from tests.pipelines.movielens_files import log, write_recbole

pytestmark = pytest.mark.long  # all of it after whole trainings


class Trained(NamedTuple):
    configuration: Configuration
    folder: RunFolder
    metrics: dict[str, Any]


@pytest.fixture(scope="module", params=["afm", "deepfm"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("movielens")
    raw = write_recbole(folder / "raw", log(400, seed=5))
    changes = ["data.batch_size=64", "training.epochs=2", "evaluation.bootstrap=0"]
    configuration = load_configuration(
        f"movielens-100k-{request.param}", [f"data.path={raw}", *changes]
    )
    metrics = train_run(configuration, folder / "run")
    return Trained(configuration, RunFolder(folder / "run"), metrics)


def batches(trained: Trained, model: Any, size: int) -> Any:
    return Batches(
        trained.folder.spec().files(trained.folder.data, "test"),
        FormatOptions("tfrecord"),
        tfrs_afm.parse_spec(model.columns),
        BatchOptions("rating", batch_size=size),
    )(0, 0)


# Of one kind: `tests/models` trains both kinds twice by one seed.
@pytest.mark.parametrize("trained", ["afm"], indirect=True)
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(
    trained: Trained, tmp_path: Path
) -> None:
    data = trained.folder.data
    metrics = train_run(trained.configuration, tmp_path / "again", data=data)
    assert metrics == trained.metrics
    first, again = (
        load_model(path).get_weights()
        for path in (trained.folder.model, tmp_path / "again" / "model.keras")
    )
    assert all((one == other).all() for one, other in zip(first, again, strict=True))
    training = trained.configuration.training.model_copy(update={"seed": 2})
    other = trained.configuration.model_copy(update={"training": training})
    assert train_run(other, tmp_path / "other", data=data) != trained.metrics


def test_the_weights_that_are_kept_are_the_best_of_the_validation_part(trained: Trained) -> None:
    lines = (trained.folder.path / "history.jsonl").read_text().splitlines()
    best = min(json.loads(line)["val_logloss"] for line in lines)
    kind = trained.configuration.model.kind
    for part in ("validation", "test"):
        assert set(trained.metrics[part]) == {kind, "popularity"}
    found = trained.metrics["validation"][kind]["logloss"]["value"]
    assert found == pytest.approx(best, abs=1e-5)


def test_every_column_reads_its_feature_and_no_other_is_read(trained: Trained) -> None:
    spec = trained.folder.spec()
    columns = build_model(trained.configuration, Fitted(spec.fitted)).columns
    assert set(tfrs_afm.parse_spec(columns)) == set(spec.features) - {"rating"}
    tables = [column.table for column in columns if hasattr(column, "table")]
    assert len(tables) == 2
    assert tables[0] == tables[1]


def test_padding_batch_mates_and_the_size_of_the_batch_change_no_score(trained: Trained) -> None:
    model = load_model(trained.folder.model)
    scores = [
        np.concatenate(
            [model(features).numpy()[:, 0] for features, _ in batches(trained, model, n)]
        )
        for n in (1, 7, 40)
    ]
    assert scores[0] == pytest.approx(scores[2], abs=1e-5)
    assert scores[1] == pytest.approx(scores[2], abs=1e-5)
    (batch, _), *_ = batches(trained, model, 40)
    longer = tf.sparse.reset_shape(batch["history"], [40, batch["history"].shape[1] + 9])
    dense = tf.sparse.to_dense(longer, default_value=-1)
    assert model({**batch, "history": longer}).numpy() == pytest.approx(model(batch).numpy())
    assert model({**batch, "history": dense}).numpy() == pytest.approx(model(batch).numpy())
    nothing = tf.sparse.from_dense(tf.zeros([40, 3], tf.int64))
    assert np.isfinite(model({**batch, "history": nothing}).numpy()).all()


def test_an_explanation_adds_up_to_the_score_and_names_the_fields(trained: Trained) -> None:
    model = load_model(trained.folder.model)
    (batch, _), *_ = batches(trained, model, 40)
    found = tfrs_afm.explain(model, batch)
    total = found.bias + found.linear.sum(1) + found.pairs.sum(1) + found.deep
    assert total == pytest.approx(found.logits, abs=1e-5)
    assert ("history_shared_embedding", "movie_id_shared_embedding") in found.pair_names
