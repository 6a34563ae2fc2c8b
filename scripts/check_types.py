"""Checks the programs of README and docs with pyright, as a user's editor does.

Usage: check_types.py PYTHON, the interpreter of an environment that has the packages; pyright
(basedpyright) is one of this interpreter's own. TensorFlow and Keras 3 count as `Any` here: the
stubs of one lack names that it has, the other is without most types. What is left are the types of
what comes from us. Programs are held to the strict rules, but those whose own functions have no
annotations to the standard ones.
"""

import ast
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SETTINGS = {
    "typeCheckingMode": "strict",
    "extraPaths": [str(ROOT)],
    # About others: TFRS has no stubs; Keras' `call` takes other arguments than what is fit for it.
    "reportMissingTypeStubs": False,
    "reportIncompatibleMethodOverride": False,
    "reportUntypedFunctionDecorator": False,
    # About how a page is written: the blocks of a page are one program, and import twice.
    "reportDuplicateImport": False,
}
STANDARD = "# pyright: standard, reportIncompatibleMethodOverride=false\n"
TENSORFLOW = (
    "from typing import Any as _Any\nimport tensorflow as _tensorflow\ntf: _Any = _tensorflow"
)
KERAS = "from typing import Any as _Any\nimport keras as _keras\nkeras: _Any = _keras"
# The base class of a model is TensorFlow's, too.
OF_OTHERS = re.compile(r'Type of "__init__" is unknown')


def programs() -> dict[str, str]:
    """The programs, by a name for each: those of README stand alone, those of a page follow."""
    found: dict[str, str] = {}
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        text = page.read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
        name = "_".join(page.relative_to(ROOT).with_suffix("").parts)
        if page.parent != ROOT:
            blocks = ["\n".join(blocks)] if blocks else []
        for number, block in enumerate(blocks):
            program = re.sub(r"^import tensorflow as tf$", TENSORFLOW, block, flags=re.M)
            program = re.sub(r"^import keras$", KERAS, program, flags=re.M)
            found[f"of_{name}_{number}"] = program if is_annotated(block) else STANDARD + program
    return found


def is_annotated(program: str) -> bool:
    """Whether each parameter of its functions has a type."""
    functions = [one for one in ast.walk(ast.parse(program)) if isinstance(one, ast.FunctionDef)]
    arguments = [one for function in functions for one in ast.walk(function.args)]
    named = [one for one in arguments if isinstance(one, ast.arg) and one.arg != "self"]
    return all(one.annotation for one in named)


def main(python: str) -> int:
    """Checks all; the exit status says whether something was found."""
    with tempfile.TemporaryDirectory() as folder:
        for name, program in programs().items():
            Path(folder, f"{name}.py").write_text(program, encoding="utf-8")
        Path(folder, "pyrightconfig.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
        command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", python]
        done = subprocess.run(
            [*command, "--project", folder], capture_output=True, text=True, check=False
        )
        report = json.loads(done.stdout)
    if not report["summary"]["filesAnalyzed"]:
        sys.exit(f"No program was checked: {done.stderr}")
    found = [one for one in report["generalDiagnostics"] if not OF_OTHERS.match(one["message"])]
    for one in found:
        place = f"{Path(one['file']).stem}:{one['range']['start']['line'] + 1}"
        sys.stderr.write(f"{place}: {one['message']} ({one.get('rule', one['severity'])})\n")
    sys.stderr.write(f"{report['summary']['filesAnalyzed']} programs, {len(found)} findings\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
