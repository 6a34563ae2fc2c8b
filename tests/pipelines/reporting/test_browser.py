import re
from pathlib import Path

import pytest

from pipelines.reporting.write_report import render_page
from tests.pipelines.reporting.browser import CHROMIUM, open_page
from tests.pipelines.reporting.made_contents import made_contents

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (apt: chromium)")


def test_the_page_renders_whole_without_an_error_or_a_request(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_page(made_contents()), encoding="utf-8")
    opened = open_page(page)
    assert opened.console == []
    assert [address for address in opened.requests if not address.startswith("file:")] == []
    assert re.findall(r"<section id=\"(\w+)\"", opened.document) == [
        *("data", "learning", "metrics", "calibration", "roc", "slices", "pairs", "examples"),
        "about",
    ]
    assert opened.document.count("<svg") > 4
    assert opened.document.rstrip().endswith("</html>")


@pytest.mark.long
def test_a_picture_can_be_taken_on_light_and_on_dark_and_they_differ(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_page(made_contents()), encoding="utf-8")
    pictures = []
    for scheme in (0, 1):
        picture = tmp_path / f"{scheme}.png"
        open_page(
            page,
            f"--screenshot={picture}",
            f"--blink-settings=preferredColorScheme={scheme}",
            "--window-size=1200,4000",
        )
        pictures.append(picture.read_bytes())
    assert all(picture.startswith(b"\x89PNG") and len(picture) > 50_000 for picture in pictures)
    assert pictures[0] != pictures[1]


def test_a_page_that_asks_for_something_is_seen_to(tmp_path: Path) -> None:
    # Otherwise the first test could not fail.
    page = tmp_path / "loud.html"
    page.write_text(
        '<script>console.error("oh")</script><img src="http://127.0.0.1:9/x.png">',
        encoding="utf-8",
    )
    opened = open_page(page)
    assert any("oh" in line for line in opened.console)
    assert "http://127.0.0.1:9/x.png" in opened.requests
