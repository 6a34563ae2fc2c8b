"""What is sent again, when, and for how long."""

from typing import Any

import pytest

import serving
from serving.client import ClientError, DeadlineError, RequestError, Retry, UnavailableError
from serving.status_error import Code, StatusError
from tests.serving.client.fakes import Clock, Failing
from tests.serving.exported import Exported


def _asked(transport: Any, clock: Clock, afm: Exported, **settings: Any) -> Any:
    retry = Retry(sleep=clock.sleep, now=clock.now, **settings)
    client = serving.Client(transport, schema=afm.path, timeout=1.0, retry=retry)
    return client.predict([{"user_id": 3}])


def test_unavailable_is_tried_again_with_growing_pauses(afm: Exported) -> None:
    clock, transport = Clock(), Failing(*[Code.UNAVAILABLE] * 3)
    assert _asked(transport, clock, afm).shape == (1,)
    for pause, most in zip(clock.pauses, (0.05, 0.1, 0.2), strict=True):
        assert most / 2 <= pause <= most
    assert transport.left == sorted(transport.left, reverse=True)


def test_unavailable_for_too_long_is_an_error(afm: Exported) -> None:
    transport = Failing(*[Code.UNAVAILABLE] * 9)
    with pytest.raises(UnavailableError, match="as told"):
        _asked(transport, Clock(), afm)
    assert len(transport.left) == 4
    transport = Failing(*[Code.UNAVAILABLE] * 9)
    with pytest.raises(UnavailableError):  # the next pause would pass the deadline
        _asked(transport, Clock(), afm, first_pause=4.0, longest_pause=4.0)
    assert len(transport.left) == 1


@pytest.mark.parametrize("code", [one for one in Code if one not in (Code.OK, Code.UNAVAILABLE)])
def test_nothing_else_is_tried_again(code: Code, afm: Exported) -> None:
    transport = Failing(code)
    with pytest.raises(RequestError) as caught:
        _asked(transport, Clock(), afm)
    assert caught.value.code is code
    assert len(transport.left) == 1
    assert isinstance(caught.value, ClientError)
    assert isinstance(caught.value, StatusError)
    assert isinstance(caught.value, DeadlineError) == (code is Code.DEADLINE_EXCEEDED)


def test_the_deadline_is_that_of_the_whole_call(afm: Exported) -> None:
    clock = Clock()

    class _Slow(Failing):
        def run(self, *arguments: Any) -> Any:
            clock.time += 0.4
            return super().run(*arguments)

    retry = Retry(sleep=clock.sleep, now=clock.now)
    client = serving.Client(_Slow(), schema=afm.path, timeout=1.0, batch_size=1, retry=retry)
    assert client.predict([{}] * 2).shape == (2,)
    with pytest.raises(DeadlineError):
        client.predict([{}] * 4)
