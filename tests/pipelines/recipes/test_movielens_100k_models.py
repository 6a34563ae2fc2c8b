import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

import tfrs_afm
from pipelines.__main__ import main
from pipelines.datasets.read_examples import read_examples
from pipelines.preparation.feature_spec import FeatureSpec
from pipelines.recipes.movielens_100k import train as recipe
from pipelines.recipes.movielens_100k.build import MODELS, build
from pipelines.recipes.movielens_100k.load import load
from pipelines.recipes.movielens_100k.prepare import prepare
from pipelines.recipes.movielens_100k.run import Run
from pipelines.recipes.movielens_100k.settings import Settings
from pipelines.recipes.movielens_100k.train import train
from tests.pipelines.movielens_files import log, write_recbole

SMALL = Settings(batch_size=64, epochs=2, patience=1)


class Trained(NamedTuple):
    data: Path
    out: Path
    run: Run


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("movielens")
    data, out = folder / "data", folder / "run"
    prepare(data, write_recbole(folder / "raw", log(400, seed=5)))
    return Trained(data, out, train(data, out, SMALL))


@pytest.mark.long
def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "evaluate", lambda *_: trained.run.metrics)  # has its own test
    assert train(trained.data, tmp_path / "again", SMALL) == trained.run
    assert (tmp_path / "again" / Run.FILE).read_bytes() == (trained.out / Run.FILE).read_bytes()
    spec = FeatureSpec.read(trained.data)
    starts = [
        np.concatenate([weight.ravel() for weight in build("afm", spec, chosen).get_weights()])
        for chosen in (SMALL, SMALL, Settings(seed=2))
    ]
    assert (starts[0] == starts[1]).all()
    assert (starts[0] != starts[2]).any()


def test_a_run_tells_every_number_for_both_parts_and_which_model_is_better(
    trained: Trained,
) -> None:
    assert Run.read(trained.out) == trained.run
    for part in ("validation", "test"):
        assert list(trained.run.metrics[part]) == [*MODELS, "popularity"]
        for metrics in trained.run.metrics[part].values():
            assert set(metrics) == {"auc", "logloss", "group_auc", "ndcg_10"}
            assert np.isfinite(list(metrics.values())).all()
    scores = trained.run.metrics["validation"]
    other = {"afm": "deepfm", "deepfm": "afm"}[trained.run.best]
    assert scores[trained.run.best]["logloss"] <= scores[other]["logloss"]


def test_the_weights_that_are_kept_are_the_best_of_the_validation_part(trained: Trained) -> None:
    for name in MODELS:
        best = min(trained.run.histories[name]["val_logloss"])
        found = trained.run.metrics["validation"][name]["logloss"]
        assert found == pytest.approx(best, abs=1e-5)


def test_the_command_line_shows_and_writes_the_numbers_of_the_training(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = str(trained.data), str(trained.out)
    small = ["--batch-size", "64", "--epochs", "2", "--patience", "1"]
    assert main(["train", "--data", data, "--out", out, *small]) == 0  # it is there already
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines()] == ["auc", *MODELS, "popularity"]
    to = str(tmp_path / "metrics.json")
    assert main(["evaluate", "--data", data, "--run", out, "--out", to]) == 0
    assert capsys.readouterr() == shown
    for name, metrics in json.loads(Path(to).read_text()).items():
        assert metrics == pytest.approx(trained.run.metrics["test"][name], abs=1e-6)


def test_the_same_work_is_not_done_twice_and_other_work_replaces_it(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(recipe, "fit_best", None)  # a second training would fail
        assert train(trained.data, trained.out, SMALL) == trained.run
        with pytest.raises(TypeError):
            train(trained.data, trained.out, Settings(batch_size=64, epochs=2, seed=2))
    assert Run.read(trained.out) == trained.run  # the failed one has changed nothing
    assert sorted(os.listdir(trained.out.parent)) == ["data", "raw", "run"]


def test_an_interrupted_training_leaves_nothing(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: Any, **_: Any) -> None:
        (arguments[3] / "checkpoint").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe, "fit_best", interrupt)
    with pytest.raises(KeyboardInterrupt):
        train(trained.data, tmp_path / "run", SMALL)
    assert os.listdir(tmp_path) == []


def test_every_column_reads_its_feature_and_no_other_is_read(trained: Trained) -> None:
    spec = FeatureSpec.read(trained.data)
    columns = build("afm", spec, SMALL).columns
    assert set(tfrs_afm.parse_spec(columns)) == set(spec.features) - {"label", "history_age"}
    kinds = {type(column).__name__ for column in columns}
    assert kinds == {"EmbeddingColumn", "SharedEmbeddingColumn", "NumericColumn"}
    tables = [column.table for column in columns if hasattr(column, "table")]
    assert len(tables) == 2
    assert tables[0] == tables[1]


@pytest.mark.parametrize("name", ["afm", "deepfm"])
def test_padding_batch_mates_and_the_size_of_the_batch_change_no_score(
    trained: Trained, name: str
) -> None:
    model = load(name, trained.data, trained.out)
    files = FeatureSpec.read(trained.data).files(trained.data, "test")
    spec = tfrs_afm.parse_spec(model.columns)
    scores = [
        model.predict(read_examples(files, spec, "label", size), verbose=0)[:, 0]
        for size in (1, 7, 40)
    ]
    assert scores[0] == pytest.approx(scores[2], abs=1e-5)
    assert scores[1] == pytest.approx(scores[2], abs=1e-5)
    (batch, _), *_ = read_examples(files, spec, "label", 40)
    longer = tf.sparse.reset_shape(batch["history"], [40, batch["history"].shape[1] + 9])
    dense = tf.sparse.to_dense(longer, default_value=-1)
    assert model({**batch, "history": longer}).numpy() == pytest.approx(model(batch).numpy())
    assert model({**batch, "history": dense}).numpy() == pytest.approx(model(batch).numpy())
    nothing = tf.sparse.from_dense(tf.zeros([40, 3], tf.int64))
    assert np.isfinite(model({**batch, "history": nothing}).numpy()).all()


def test_an_explanation_adds_up_to_the_score_and_names_the_fields(trained: Trained) -> None:
    model = load("afm", trained.data, trained.out)
    files = FeatureSpec.read(trained.data).files(trained.data, "test")
    (batch, _), *_ = read_examples(files, tfrs_afm.parse_spec(model.columns), "label", 40)
    found = tfrs_afm.explain(model, batch)
    total = found.bias + found.linear.sum(1) + found.pairs.sum(1) + found.deep
    assert total == pytest.approx(found.logits, abs=1e-5)
    assert ("history_shared_embedding", "movie_id_shared_embedding") in found.pair_names


def test_folders_that_do_not_belong_together_are_an_error(trained: Trained, tmp_path: Path) -> None:
    other = tmp_path / "other"
    prepare(other, write_recbole(tmp_path / "raw", log(60, seed=6)))
    with pytest.raises(ValueError, match="`data` must hold the examples that the models were"):
        load("afm", other, trained.out)
    with pytest.raises(ValueError, match="must be a folder of trained models"):
        load("afm", trained.data, tmp_path)
    with pytest.raises(ValueError, match="must be a folder of prepared examples"):
        train(tmp_path, tmp_path / "run", SMALL)
    with pytest.raises(ValueError, match="must be a folder of trained models"):
        train(trained.data, tmp_path, SMALL)
    with pytest.raises(ValueError, match=r"`name` must be one of afm, deepfm, logistic"):
        build("fm", FeatureSpec.read(other), SMALL)
    assert sorted(os.listdir(tmp_path)) == ["other", "raw"]


def test_a_run_of_another_format_is_an_error(trained: Trained, tmp_path: Path) -> None:
    content = json.loads((trained.out / Run.FILE).read_text())
    (tmp_path / Run.FILE).write_text(json.dumps({**content, "format": 0}))
    with pytest.raises(ValueError, match=r"metrics.json` must have the format 1"):
        Run.read(tmp_path)


@pytest.mark.parametrize("name", ["batch_size", "epochs", "patience"])
def test_counts_in_the_settings_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be positive. Received: {name}=0"):
        Settings(**{name: 0})
