import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "optimizers.md"


def test_the_blocks_of_the_page_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert names["again"].optimizer.iterations == 4
