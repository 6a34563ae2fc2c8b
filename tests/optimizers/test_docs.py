import doctest
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "optimizers.md"


@pytest.mark.parametrize("name", ["adam", "adagrad", "ftrl", "sgd"])
def test_the_example_of_every_optimizer_runs(name: str) -> None:
    module = importlib.import_module(f"tfrs_afm.optimizers.{name}")
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0


def test_the_blocks_of_the_page_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["again"].optimizer.iterations == 4
