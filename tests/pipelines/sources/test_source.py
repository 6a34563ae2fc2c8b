import pytest

from pipelines.sources.source import find_source


def test_an_unknown_source_is_told() -> None:
    with pytest.raises(ValueError, match=r"`data\.source` must be one of .*'movielens-9k'"):
        find_source("movielens-9k")
