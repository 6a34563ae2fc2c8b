import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.configuration.load_configuration import load_configuration
from pipelines.tuning.study import TrialRecord
from pipelines.tuning.tune import tune, with_values
from tests.pipelines.tuning.search import configuration, objective, search


def told(records: list[TrialRecord]) -> list[tuple]:
    return [(one.state, one.value, one.values, one.curve) for one in records]


def test_it_finds_the_best_point_and_writes_its_configuration(tmp_path: Path) -> None:
    records = search(tmp_path, trials=30)
    assert [one.number for one in records] == list(range(30))
    best = load_configuration(tmp_path / "best.json")
    assert best.model.dim == 8
    assert best.model.dropout == pytest.approx(0.3, abs=0.1)
    assert best.tuning == configuration(trials=30).tuning
    complete = [one for one in records if one.state == "complete"]
    winner = min(complete, key=lambda one: one.value)
    assert best == with_values(configuration(trials=30), winner.values)
    assert (tmp_path / "trials" / "3" / "was_here").is_file()


def test_a_trial_worse_than_the_median_ends_early_but_none_of_the_first(tmp_path: Path) -> None:
    records = search(tmp_path, trials=20)
    assert {one.state for one in records[:3]} == {"complete"}
    pruned = [one for one in records if one.state == "pruned"]
    assert pruned
    assert min(len(one.curve) for one in pruned) == 1
    patient = search(tmp_path / "a", trials=20, warm_up_epochs=2)
    assert min(len(one.curve) for one in patient) == 2
    never = search(tmp_path / "b", trials=20, pruning="none")
    assert {one.state for one in never} == {"complete"}
    halved = search(tmp_path / "c", trials=12, pruning="halving", sampler="random")
    assert {one.state for one in halved} == {"complete", "pruned"}


def test_a_high_value_is_good_where_the_mode_says_so(tmp_path: Path) -> None:
    def upside_down(made: Any, folder: Path, on_epoch: Callable) -> None:
        on_epoch({"val_auc": 1 - abs(made.model.dropout - 0.7)})

    settings = configuration(monitor="val_auc", mode="max", trials=25)
    records = tune(settings, tmp_path, upside_down)
    best = load_configuration(tmp_path / "best.json")
    assert best.model.dropout == pytest.approx(0.7, abs=0.1)
    assert max(one.value for one in records) == 1 - abs(best.model.dropout - 0.7)


@pytest.mark.long
@pytest.mark.parametrize(("trial", "epoch"), [(0, 0), (2, 2), (6, 0)])
def test_a_search_that_was_killed_ends_as_one_that_was_not(
    tmp_path: Path, trial: int, epoch: int
) -> None:
    words = [sys.executable, "-m", "tests.pipelines.tuning.search"]
    done = subprocess.run([*words, str(tmp_path / "a"), str(trial), str(epoch)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "a" / "best.json").exists()
    # As if the kill had come in the middle of a write.
    with (tmp_path / "a" / "study.journal").open("ab") as file:
        file.write(b'{"op_code": 6, "worker')
    os.symlink("study.journal", tmp_path / "a" / "study.journal.lock")
    kept = search(tmp_path / "a")
    whole = search(tmp_path / "b")
    assert told(kept) == told(whole)
    assert len(kept) == 8
    texts = [(tmp_path / name / "best.json").read_text() for name in "ab"]
    assert texts[0] == texts[1]


def lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda content: b"".join(change(content.splitlines(keepends=True)))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"\x80\xff\n" + content, id="no text"),
        pytest.param(lambda content: b"[1]\n" + content, id="a list"),
        pytest.param(lambda content: b"null\n" + content, id="null"),
        pytest.param(lambda content: b"{}\n" + content, id="an empty object"),
        pytest.param(lambda content: b"[" * 100_000 + b"\n" + content, id="too deep"),
        pytest.param(lines(lambda all_of_it: all_of_it[1:]), id="without its first line"),
        pytest.param(lines(lambda all_of_it: [*all_of_it[:3], b"{", *all_of_it[4:]]), id="a hole"),
    ],
)
def test_a_journal_that_was_damaged_is_named(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    search(tmp_path, trials=3)
    journal = tmp_path / "study.journal"
    journal.write_bytes(damage(journal.read_bytes()))
    before = journal.read_bytes()
    with pytest.raises(ValueError, match=rf"`{journal}` must be the journal that Optuna wrote"):
        search(tmp_path, trials=4)
    assert journal.read_bytes() == before


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"tuning": 3}', "[" * 100_000])
def test_the_note_of_what_is_searched_is_named_where_it_is_damaged(
    content: str, tmp_path: Path
) -> None:
    search(tmp_path, trials=3)
    note = tmp_path / "configuration.json"
    note.write_text(content)
    with pytest.raises(ValueError, match=rf"`{note}` must be as it was written"):
        search(tmp_path, trials=4)


def test_more_trials_may_be_asked_for_and_the_done_ones_are_kept(tmp_path: Path) -> None:
    ran = []

    def count(made: Any, folder: Path, on_epoch: Callable) -> None:
        ran.append(folder.name)
        objective(made, folder, on_epoch)

    tune(configuration(trials=3), tmp_path, count)
    tune(configuration(trials=5), tmp_path, count)
    assert len(tune(configuration(trials=4), tmp_path, count)) == 5
    assert ran == ["0", "1", "2", "3", "4"]


def test_a_trial_that_fails_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    heard = []

    def fragile(made: Any, folder: Path, on_epoch: Callable) -> None:
        if made.model.dim == 16:
            raise ValueError("`model` must have a finite loss.")
        objective(made, folder, on_epoch)

    records = tune(configuration(trials=12), tmp_path, fragile, heard.append)
    assert heard == records
    failed = [one for one in records if one.state == "failed"]
    assert failed
    assert {one.values["model.dim"] for one in failed} == {16}
    assert {one.error for one in failed} == {"`model` must have a finite loss."}
    assert load_configuration(tmp_path / "best.json").model.dim != 16


def test_not_a_number_is_no_value(tmp_path: Path) -> None:
    def diverging(made: Any, folder: Path, on_epoch: Callable) -> None:
        on_epoch({"val_logloss": float("nan")})

    with pytest.raises(ValueError, match=r"2 trials that failed, the first with: `val_logloss`"):
        tune(configuration(trials=2), tmp_path, diverging)


def test_lists_and_words_can_be_chosen_among(tmp_path: Path) -> None:
    def wide(made: Any, folder: Path, on_epoch: Callable) -> None:
        on_epoch({"val_logloss": sum(made.model.units) + (made.model.activation == "relu")})

    space = {
        "model.kind": {"choices": ["DeepFM"]},
        "model.units": {"choices": [[8], [16, 8]]},
        "model.activation": {"choices": ["relu", "tanh"]},
    }
    tune(configuration(space=space, trials=12), tmp_path, wide)
    best = load_configuration(tmp_path / "best.json").model
    assert (best.units, best.activation) == ((8,), "tanh")


def test_another_search_does_not_get_into_the_folder(tmp_path: Path) -> None:
    search(tmp_path, trials=1)
    with pytest.raises(ValueError, match=r"with another section tuning\. Take another folder"):
        search(tmp_path, trials=2, seed=9)


@pytest.mark.parametrize(
    ("space", "text"),
    [
        ({}, "`tuning.space` must name the keys to tune"),
        ({"model.dropuot": {"low": 0, "high": 1}}, "Did you mean dropout?"),
        ({"model.dropout": {"choices": ["much"]}}, "`model.dropout` must be a number"),
        ({"columns[4].dimension": {"low": 1, "high": 2}}, "Count from 0"),
    ],
)
def test_a_space_that_cannot_be_searched_is_an_error_before_the_first_trial(
    tmp_path: Path, space: dict, text: str
) -> None:
    with pytest.raises(ValueError, match=text):
        search(tmp_path, space=space)
    assert not (tmp_path / "trials").exists()


def test_a_metric_that_no_epoch_has_is_an_error_of_the_search(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"monitor='val_auk'\. It has epoch, val_logloss"):
        search(tmp_path, monitor="val_auk", mode="min")


def test_what_is_kept_is_a_study_of_optuna(tmp_path: Path) -> None:
    search(tmp_path, trials=2)
    lines = (tmp_path / "study.journal").read_text().splitlines()
    assert all(json.loads(line) for line in lines)
