from pathlib import Path

import pytest

from pipelines.training.records import Profile


def test_without_steps_there_is_no_bound_and_no_file(tmp_path: Path) -> None:
    profile = Profile(tmp_path, None)
    profile.at(0)
    profile.close()
    assert profile.most(7) is None
    assert not list(tmp_path.iterdir())


def test_calls_end_where_the_profile_begins_and_ends() -> None:
    profile = Profile(Path("unused"), (3, 4))
    assert [profile.most(step) for step in range(7)] == [3, 2, 1, 2, 1, None, None]


def test_it_records_from_the_first_step_to_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr("tensorflow.profiler.experimental.start", calls.append)
    monkeypatch.setattr("tensorflow.profiler.experimental.stop", lambda: calls.append("stop"))
    profile = Profile(tmp_path, (3, 4))
    for step in range(3):
        profile.at(step)
    assert calls == []
    for step in (3, 4, 5, 6):
        profile.at(step)
    assert calls == [str(tmp_path), "stop"]
