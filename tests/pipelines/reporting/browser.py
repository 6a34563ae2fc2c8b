"""Opens a page in headless Chromium, far from any network, and tells what happened."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_QUIET = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update"),
    "--enable-logging=stderr",
]


class Opened(NamedTuple):
    """The document after loading, messages of the console, and addresses that the page asked for.

    What the browser asks for itself is not the page's doing, and gets nowhere either.
    """

    document: str
    console: list[str]
    requests: list[str]


def open_page(page: Path, *options: str) -> Opened:
    folder = page.parent / "browser"
    log = page.parent / "net.json"
    done = subprocess.run(
        [
            *(CHROMIUM, *_QUIET, *options, "--dump-dom", f"--user-data-dir={folder}"),
            *(f"--log-net-log={log}", "--proxy-server=127.0.0.1:9", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    requests = [
        event["params"]["url"]
        for event in events
        if event.get("params", {}).get("initiator", "not an origin") != "not an origin"
        and "url" in event["params"]
    ]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Opened(done.stdout, console, requests)
