from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving import ServerOptions
from serving.server.version_manager import VersionManager
from tests.serving.semantics.managers import Make, load


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes managers and closes them at the end."""
    made: list[VersionManager] = []

    def build(**settings: Any) -> VersionManager:
        settings = {"max_num_load_retries": 0, "model_base_path": tmp_path} | settings
        manager = VersionManager(ServerOptions(**settings), load)
        made.append(manager)
        return manager

    yield build
    for manager in made:
        manager.close()
