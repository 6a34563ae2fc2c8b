"""What `make docs` does beside mkdocs: pages from outside docs/, their links, and a whole API.

Pages link each other as files of the repository, so that they can be read there. The hooks turn
these links into those of the site: a page that is on it, or, for a source file, its place in the
API. What points at nothing stays as it is, and mkdocs, which is strict, refuses it.
"""

import ast
import json
import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
PACKAGES = ("tfrs_afm", "pipelines", "serving")
OUTSIDE = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "benchmarks/*.md",
    "notebooks/*.ipynb",
)
_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]+)?\)")
_FENCED = re.compile(r"^(```.*?^```$)", re.MULTILINE | re.DOTALL)
_log = logging.getLogger("mkdocs.plugins.site_hooks")
_anchors: dict[str, str] = {}  # an anchor of the API -> the page that it is on


def public_names(root: Path = ROOT) -> dict[str, list[str]]:
    """Returns each public package, and each module that one exports, with what it exports."""
    found: dict[str, list[str]] = {}
    for file in sorted(one for package in PACKAGES for one in (root / package).rglob("*.py")):
        name = _module(file.relative_to(root).as_posix())
        package, _, last = name.rpartition(".")
        if file.name == "__init__.py" or last in found.get(package, ()):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                    found[name] = ast.literal_eval(node.value)
    return found


def as_markdown(notebook: str) -> str:
    """Returns a notebook's text and code as a page."""
    cells = json.loads(notebook)["cells"]
    texts = (("".join(cell["source"]), cell["cell_type"]) for cell in cells)
    return "\n\n".join(
        f"```python\n{text}\n```" if kind == "code" else text for text, kind in texts
    )


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that live outside of docs/."""
    for pattern in OUTSIDE:
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            place = path.relative_to(ROOT).with_suffix(".md").as_posix()
            content = as_markdown(text) if path.suffix == ".ipynb" else text
            files.append(File.generated(config, place, content=content))
    _anchors.clear()
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Turns links between files of the repository into links between pages."""
    here = page.file.src_uri
    folder = posixpath.dirname(_in_repository(here))

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        if target.endswith(".py"):
            return f"][{_module(target)}]"
        place = re.sub(r"\.ipynb$", ".md", target.removeprefix("docs/"))
        if files.get_file_from_path(place) is None:
            return match[0]
        return f"]({posixpath.relpath(place, posixpath.dirname(here) or '.')}{match[2] or ''})"

    parts = _FENCED.split(markdown)
    return "".join(one if one.startswith("```") else _LINK.sub(link, one) for one in parts)


def on_page_content(html: str, page: Page, **_: Any) -> None:
    """Keeps what stands on the API's pages."""
    if page.file.src_uri.startswith("api/"):
        _anchors.update(dict.fromkeys(re.findall(r'id="([\w.]+)"', html), page.file.src_uri))


def on_env(env: Any, **_: Any) -> None:
    """Warns, which is an error in a strict build, of public names that are on no page."""
    public = public_names()
    for package, names in public.items():
        for name in names:
            full = f"{package}.{name}"
            # A function in a file of its own name stands as `file.function`.
            if full not in public and not {full, f"{full}.{name}"} & set(_anchors):
                _log.warning("`%s` must be on a page of docs/api, with a docstring.", full)


def _module(file: str) -> str:
    """The name of a source file's module."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _in_repository(place: str) -> str:
    """The file of a page of the site."""
    outside = {
        one.relative_to(ROOT).with_suffix(".md").as_posix() for p in OUTSIDE for one in ROOT.glob(p)
    }
    return place if place in outside else f"docs/{place}"
