"""The documentation as a site: what is public stands on it, and what is broken stops its build."""

import importlib
import importlib.util
import pkgutil
import shutil
import subprocess
import sys
import types
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]


def script(name: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def surface() -> dict[str, list[str]]:
    """What the packages export, by importing them; and the modules among it, by looking at them."""
    found = {}
    for root in ("tfrs_afm", "pipelines", "serving"):
        package = importlib.import_module(root)
        below = pkgutil.walk_packages(package.__path__, f"{root}.")
        for name in [root, *(module.name for module in below if module.ispkg)]:
            exported = getattr(importlib.import_module(name), "__all__", None)
            if exported is None:
                continue
            found[name] = list(exported)
            for part in (getattr(importlib.import_module(name), one) for one in exported):
                if isinstance(part, types.ModuleType):
                    found[part.__name__] = list(part.__all__)
    return found


PUBLIC = surface()


def test_the_site_asks_for_every_name_that_a_package_exports() -> None:
    assert script("site_hooks").public_names() == PUBLIC
    assert len(PUBLIC) >= 14


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_has_a_docstring_and_its_package_a_page(package: str) -> None:
    for name in PUBLIC[package]:
        assert getattr(importlib.import_module(package), name).__doc__, name
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "api").glob("*.md")]
    assert sum(f"::: {package}\n" in page for page in pages) == 1


def test_a_docstring_of_the_house_is_read_as_googles() -> None:
    text = (
        "Sums.\n\nAs in\n    y = x\n\nCall arguments:\n    x: Floats,\n        one a row.\n\n"
        "Returns:\n    A sum.\n\nRaises:\n    ValueError: If empty.\n\nExample:\n    >>> 1\n    1"
    )
    read = script("site_docstrings").rewritten(text, of_class=True)
    assert "As in\n\n    y = x\n" in read
    assert "**Call arguments:**\n\n- **`x`**: Floats,\n    one a row.\n" in read
    assert "**Returns:**\n\nA sum.\n\nRaises:\n    ValueError: If empty.\n" in read
    assert read.endswith("Examples:\n    >>> 1\n    1")
    function = script("site_docstrings").rewritten(text, of_class=False)
    assert "Returns:\n    A sum.\n" in function


def small_site(folder: Path) -> None:
    """Our settings over a package of one name and two pages."""
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    settings["nav"] = ["index.md", "api/tfrs_afm.md", "CHANGELOG.md"]
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(settings))
    (folder / "tfrs_afm").mkdir()
    (folder / "tfrs_afm/__init__.py").write_text(
        '"""A package."""\n\n__all__ = ["one"]\n\n\ndef one(x: int) -> int:\n    """Is one.\n\n'
        '    Args:\n        x: A number.\n    """\n    return 1\n'
    )
    (folder / "docs/api").mkdir(parents=True)
    (folder / "docs/api/tfrs_afm.md").write_text(
        "# Page\n\n::: tfrs_afm\n    options:\n      show_root_heading: true\n"
    )
    (folder / "docs/index.md").write_text(
        "# Home\n\n## Part\n\n[a](api/tfrs_afm.md) [b](#part) [c](../CHANGELOG.md) "
        "[d](../tfrs_afm/__init__.py) [e](api/tfrs_afm.md#tfrs_afm.one)\n"
    )
    (folder / "CHANGELOG.md").write_text("# Changes\n\n[home](docs/index.md#part)\n")


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_a_sound_site_is_built_and_fetches_nothing(tmp_path: Path) -> None:
    small_site(tmp_path)
    done = build(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for page in (tmp_path / "build/site").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert 'src="http' not in text
        assert 'rel="stylesheet" href="http' not in text
        assert "preconnect" not in text
    home = (tmp_path / "build/site/index.html").read_text(encoding="utf-8")
    assert 'href="CHANGELOG.html"' in home


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("docs/index.md", "(#part)", "(#parts)", "#parts"),
        ("docs/index.md", "(api/tfrs_afm.md)", "(api/other.md)", "api/other.md"),
        ("docs/index.md", "(../CHANGELOG.md)", "(../LICENSE)", "LICENSE"),
        ("docs/index.md", "tfrs_afm/__init__.py", "tfrs_afm/other.py", "tfrs_afm.other"),
        ("CHANGELOG.md", "#part", "#parts", "#parts"),
        ("mkdocs.yml", "- index.md\n", "", "not included in the \"nav\""),
        ("tfrs_afm/__init__.py", '"""Is one.', '0, """Is one.', "tfrs_afm.one"),
        ("tfrs_afm/__init__.py", "x: A number", "y: A number", "'y'"),
        ("docs/api/tfrs_afm.md", "::: tfrs_afm", "", "tfrs_afm.one"),
    ],
)  # fmt: skip
def test_what_is_broken_stops_the_build(
    tmp_path: Path, file: str, old: str, new: str, said: str
) -> None:
    small_site(tmp_path)
    text = (tmp_path / file).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    done = build(tmp_path)
    assert done.returncode == 1
    assert said in done.stdout + done.stderr
