"""TFRS' tutorials, from training to a served answer; each program runs as it is."""

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

import tfrs_afm
from examples.tfrs import films

FOLDER = Path(__file__).parents[2] / "examples"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs the program of an example and returns what functions of its module gave."""

    def run(name: str, *functions: str) -> dict[str, Any]:
        example = importlib.import_module(f"examples.tfrs.{name}")
        seen: dict[str, Any] = {"example": example}

        def recorded(function: str) -> Callable[..., Any]:
            real = getattr(example, function)

            def call(*args: Any, **options: Any) -> Any:
                seen[function] = real(*args, **options)
                return seen[function]

            return call

        for function in functions:
            monkeypatch.setattr(example, function, recorded(function))
        example.main()
        return seen

    return run


def check_trip(trip: Any, size: int = 3) -> None:
    """What was saved, and what is served, answers as the model does, and not with one number."""
    names = list(trip.model) if isinstance(trip.model, dict) else [None]
    for name in names:
        model, loaded, served = (
            one if name is None else one[name] for one in (trip.model, trip.loaded, trip.served)
        )
        assert model.shape == (size,)
        assert np.ptp(model) > 1e-3
        np.testing.assert_array_equal(loaded, model)
        np.testing.assert_allclose(served, model, atol=1e-5)


def check_sum(explained: tfrs_afm.Explanation, logits: Any) -> None:
    total = explained.bias + explained.linear.sum(1) + explained.pairs.sum(1) + explained.deep
    np.testing.assert_allclose(total, np.ravel(logits), atol=1e-4)


def test_the_truth_is_planted_as_it_is_told() -> None:
    features, stars = films.ratings(20_000, seed=3)
    user = np.array([films.USERS.index(one) for one in features["user_id"]])
    film = np.array([films.TITLES.index(one) for one in features["movie_title"]])
    alike = user % 3 == film % 3
    assert np.mean(alike) == pytest.approx(0.7 + 0.3 / 3, abs=0.01)
    late = features["timestamp"] > (films.BEGIN + films.END) / 2
    crime = np.array(["Crime" in title for title in features["movie_title"]])
    expected = np.where(alike, 4.0, 2.25) + np.where(crime & late, 0.8, 0.0)
    assert np.std(stars - expected) == pytest.approx(films.NOISE, abs=0.01)
    # Crime is a third of the ratings, and half of those are late: 0.4 off either way.
    untimed = np.where(alike, 4.0, 2.25) + np.where(crime, 0.4, 0.0)
    assert np.sqrt(np.mean((stars - untimed) ** 2)) == pytest.approx(0.38, abs=0.01)
    visits = films.visits(20_000, seed=3)
    newest = [films.TITLES.index(row[-1].decode()) for row in visits["history"].to_list()]
    following = [films.TITLES.index(one) for one in visits["movie_title"]]
    share = np.mean([(a + 1) % 3 == b % 3 for a, b in zip(newest, following, strict=True)])
    assert share == pytest.approx(0.9 + 0.1 / 3, abs=0.01)


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_an_example_imports_tfrs_after_us_so_that_it_runs_without_further_settings(
    path: Path,
) -> None:
    """One that imported TFRS first ended in its ImportError, that Keras 3 is there."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    names = [one.names[0].name for one in body if isinstance(one, ast.Import)]
    if "tensorflow_recommenders" in names:
        assert "tfrs_afm" in names[: names.index("tensorflow_recommenders")]


@pytest.mark.long
def test_basic_ranking(run: Callable[..., dict[str, Any]]) -> None:
    seen = run("basic_ranking", "trained", "round_trip", "ask_server")
    model, scores = seen["trained"]
    assert scores["rmse"] < 0.44  # 0.38 at best
    check_trip(seen["round_trip"])
    np.testing.assert_allclose(seen["ask_server"], seen["round_trip"].model, atol=1e-5)
    features, _ = seen["example"].read(50, seed=4)
    check_sum(tfrs_afm.explain(model, features), model(features))


@pytest.mark.long
def test_context_features(run: Callable[..., dict[str, Any]]) -> None:
    seen = run("context_features", "trained", "round_trip")
    model, scores = seen["trained"]
    assert scores["rmse"] < 0.37  # below what is to be had without the time
    check_trip(seen["round_trip"])
    features, _ = films.ratings(50, seed=4)
    features = {name: tf.constant(values) for name, values in features.items()}
    made = model.made(features)
    check_sum(tfrs_afm.explain(model.embed, model.task, made), model(features))
    # The planted pair of words and time: late is better for crime, and for nothing else.
    both = [
        {
            name: np.array(["1", "1"] if name == "user_id" else [films.TITLES[film]] * 2)
            for name in ("user_id", "movie_title")
        }
        | {"user_age": np.float32([35, 35]), "timestamp": np.array([films.BEGIN, films.END])}
        for film in (1, 2)  # space, crime
    ]
    early, late = zip(*(np.ravel(model(one)) for one in both), strict=True)
    gain = np.subtract(late, early)
    assert gain[1] - gain[0] > 0.4


@pytest.mark.long
def test_multitask(run: Callable[..., dict[str, Any]]) -> None:
    seen = run("multitask", "trained", "round_trip")
    model = seen["trained"]
    check_trip(seen["round_trip"])
    assert set(seen["round_trip"].served) == {"seen", "stars"}
    features, stars = seen["example"].read(2000, seed=4)
    scores = {name: np.ravel(values) for name, values in model(features).items()}
    assert np.sqrt(np.mean((scores["stars"] - stars) ** 2)) < 0.46  # 0.38 at best
    user = np.repeat(np.arange(len(films.USERS)), len(films.TITLES))
    film = np.tile(np.arange(len(films.TITLES)), len(films.USERS))
    every = {"user_id": np.array(films.USERS)[user], "movie_title": np.array(films.TITLES)[film]}
    assert roc_auc_score(user % 3 == film % 3, np.ravel(model(every)["seen"])) > 0.95
    logits = model.stars.logits(*model.embed(features))
    check_sum(tfrs_afm.explain(model.embed, model.stars, features), logits)


@pytest.mark.long
def test_listwise_ranking(run: Callable[..., dict[str, Any]]) -> None:
    seen = run("listwise_ranking", "trained", "round_trip", "ranked")
    model, scores = seen["trained"]
    assert scores["auc"] > 0.97
    check_trip(seen["round_trip"], size=5)
    features, _ = seen["example"].lists(1, seed=2)
    titles = np.array(films.TITLES[:3])
    asked = {"user_id": np.repeat(features["user_id"][:1], 3), "movie_title": titles}
    np.testing.assert_allclose(seen["ranked"], np.ravel(model(asked)), atol=1e-5)
    # Keras makes the same task again, of either loss.
    pairwise = seen["example"].ListModel("pairwise")
    assert type(pairwise).from_config(pairwise.get_config()).loss_name == "pairwise"
    check_sum(tfrs_afm.explain(model, features), model(features))


@pytest.mark.long
def test_dcn(run: Callable[..., dict[str, Any]]) -> None:
    seen = run("dcn", "trained", "round_trip")
    model, scores = seen["trained"]
    assert scores["rmse"] < 0.36  # below what is to be had without the time
    check_trip(seen["round_trip"])
    norms = seen["example"].block_norms(model)  # user x title is what was planted
    assert norms[0, 1] + norms[1, 0] > 1.2 * (norms[0, 2] + norms[2, 0])
    features, _ = seen["example"].read(3, seed=2)
    with pytest.raises(TypeError, match="`model` must hold one task of tfrs_afm"):
        tfrs_afm.explain(model, features)


@pytest.mark.long
def test_sequential_retrieval(run: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    seen = run("sequential_retrieval", "trained", "saved_and_loaded", "saved_index")
    model, example = seen["trained"], seen["example"]
    visits = films.visits(1000, seed=4)
    histories = {"history": visits["history"]}
    index = example.index_of(model)
    scores, titles = index(histories)
    found = titles.numpy().astype(str)
    hits = [one in row for one, row in zip(visits["movie_title"], found, strict=True)]
    assert np.mean(hits) > 0.85  # 0.93 at best, 0.33 by chance
    for ours, theirs in zip(model(visits), seen["saved_and_loaded"](visits), strict=True):
        np.testing.assert_array_equal(theirs, ours)
    saved_scores, saved_titles = seen["saved_index"](histories)
    np.testing.assert_allclose(saved_scores, scores, rtol=1e-5)
    np.testing.assert_array_equal(saved_titles, titles)
    # Padding counts in neither the state nor the mean.
    padded = {"history": visits["history"].to_tensor("", shape=[None, 9])}
    np.testing.assert_allclose(model.query(padded), model.query(histories), atol=1e-5)
