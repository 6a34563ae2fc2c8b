import builtins
import io
import sys
from typing import Any

import pytest

from pipelines.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_and_the_items_pass_unchanged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert list(progress(iter("abc"), "Working", total=3)) == ["a", "b", "c"]
    assert "Working" in terminal.getvalue()
    assert "3 rows" in terminal.getvalue()


def test_rate_and_time_left_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    assert list(progress(range(1000), "Working", unit="batches")) == list(range(1000))
    assert "batches/s" in terminal.getvalue()
    assert "0:00:00" in terminal.getvalue()


def test_nothing_is_shown_where_nobody_looks_on(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(progress("abc", "Working")) == ["a", "b", "c"]
    assert capfd.readouterr() == ("", "")


def test_a_missing_extra_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def without_rich(name: str, *arguments: Any) -> Any:
        if name.startswith("rich"):
            raise ImportError(name)
        return found(name, *arguments)

    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(builtins, "__import__", without_rich)
    with pytest.raises(ImportError, match=r"tfrs-afm\[pipelines\]"):
        list(progress("abc", "Working"))
