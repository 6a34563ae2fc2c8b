"""Kernels to test: those that are installed, in each of their forms."""

from collections.abc import Callable

import pytest

from tfrs_afm import kernels
from tfrs_afm.kernels import lookups, pair_attention, row_updates
from tfrs_afm.kernels.library import load

FORMS = kernels.status().forms or ("none",)


# The form that this processor trains with in every run; the others where there is time for them.
@pytest.fixture(params=[FORMS[0], *(pytest.param(f, marks=pytest.mark.long) for f in FORMS[1:])])
def form(request: pytest.FixtureRequest) -> str:
    """Runs a test with each form of the kernels that this processor has."""
    if kernels.status().form == "stock":
        pytest.skip(kernels.status().reason)
    return request.param


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes one form of the kernels train, with bounds of its own."""
    status, operations = load()
    if operations is None:
        pytest.skip(status.reason)

    def use(
        form: str,
        most_kept: int = pair_attention.MOST_KEPT,
        most_portable: int = pair_attention._MOST_PORTABLE,
    ) -> None:
        found = (status._replace(form=form), operations)
        monkeypatch.setattr(pair_attention, "_MOST_PORTABLE", most_portable)
        monkeypatch.setattr(pair_attention, "load", lambda: found)
        monkeypatch.setattr(row_updates, "load", lambda: found)
        monkeypatch.setattr(lookups, "load", lambda: found)
        monkeypatch.setattr(pair_attention, "MOST_KEPT", most_kept)

    use(status.form)
    return use
