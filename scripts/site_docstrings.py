"""The house's docstrings as mkdocstrings' parser knows them."""

import re
from typing import Any

import griffe

_TITLE = re.compile(r"^(Call arguments|Output shape|Returns):$")
_ARGUMENT = re.compile(r"^( {4})(\*{0,2}\w+(?:, \w+)*): ")


def rewritten(text: str, *, of_class: bool) -> str:
    """Returns a docstring in Google's style proper.

    An example is a section of its own. What a layer's call takes and gives, which is said on the
    class, becomes text: no signature of the class has it. A formula that follows its sentence
    becomes a block.
    """
    lines: list[str] = []
    inside = False  # of what the call takes or gives
    fenced = False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        title = _TITLE.match(line) if of_class and not fenced else None
        if title:
            inside = True
            lines += ["", f"**{title[1]}:**", ""]
        elif inside and line.startswith(" "):
            lines.append(
                _ARGUMENT.sub(r"- **`\2`**: ", line) if _ARGUMENT.match(line) else line[4:]
            )
        elif line == "Example:":
            inside = False
            lines.append("Examples:")
        else:
            inside = inside and not line
            before = lines[-1] if lines else ""
            if line.startswith("    ") and before[:1].isalnum() and not before.endswith(":"):
                lines.append("")
            lines.append(line)
    return "\n".join(lines)


class HouseDocstrings(griffe.Extension):
    """Rewrites every docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrites the docstring of one object."""
        if obj.docstring and not obj.is_alias:
            text = rewritten(obj.docstring.value, of_class=obj.is_class)
            obj.docstring.value = text
