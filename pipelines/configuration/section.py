"""What every part of a configuration has in common."""

import difflib
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar

import pydantic
from pydantic_core import PydanticCustomError


class Section(pydantic.BaseModel):
    """A part of a configuration: typed fields with defaults, unknown keys refused, never changed.

    Subclasses declare fields and checks only. Made from a file by `load_configuration`, or by
    hand with keyword arguments; both give equal objects.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _as_tuple(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Files = Annotated[tuple[str, ...], pydantic.BeforeValidator(_as_tuple)]
"""One path or glob, or a list of them."""


def broken(key: str, rule: str, fix: str = "") -> PydanticCustomError:
    """Returns the error of a value that breaks a rule, for a validator of a section to raise.

    `load_configuration` puts the path of the section before the key, and says what was received.

    Args:
        key: The key inside the section.
        rule: What the value must be or do: "be below `max_size`".
        fix: What to do about it, a sentence.

    Returns:
        The error.

    Example:
        >>> print(broken("low", "be below `high`", "Swap the two."))
        `low` must be below `high`. Swap the two.
    """
    context = {"key": key, "rule": rule, "fix": fix}
    return PydanticCustomError("broken", "`{key}` must {rule}. {fix}", context)


S = TypeVar("S", bound=Section)


def checked(schema: type[S], content: dict[str, Any], origin: str) -> S:
    """Makes a section of what a file holds: text is no number there, and a number no truth.

    What is written in Python may be laxer; a list is a tuple and a whole number a number in both.

    Args:
        schema: The class of the section.
        content: What the file holds, as nested dicts and lists.
        origin: The name of the file.

    Raises:
        ValueError: If a value breaks a rule; a line for each with its key, its value, the
            rule and the file.

    Example:
        >>> class Cut(Section):
        ...     at: float
        >>> checked(Cut, {"at": 1}, "a.toml").at
        1.0
        >>> checked(Cut, {"at": "1"}, "a.toml")
        Traceback (most recent call last):
        ValueError: `at` must be a number, without quotes. Received: at='1' in 'a.toml'.
    """
    odd = "\n".join(
        f"`{_path(keys)}` must be {rule}. Received: {_path(keys)}={_short(value)} in '{origin}'."
        for keys, rule, value in _beyond_json(content, [])
    )
    if odd:
        raise ValueError(odd)
    try:
        # By way of JSON, as only there pydantic's strict mode takes a list for a tuple.
        return schema.model_validate_json(json.dumps(content), strict=True)
    except pydantic.ValidationError as error:
        raise ValueError(explained(error, content, schema, origin)) from None


def _beyond_json(content: Any, keys: list[Any]) -> Iterator[tuple[list[Any], str, Any]]:
    """Finds what TOML knows and JSON does not, dates and times, and text that is no Unicode."""
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for key, value in items:
            yield from _beyond_json(value, [*keys, key])
    elif isinstance(content, str):
        if not content.isascii() and any("\ud800" <= one <= "\udfff" for one in content):
            yield keys, "text without lone surrogates", content
    elif not isinstance(content, bool | int | float | None):
        yield (
            keys,
            "text, a number, true or false, a list or a table; write a date as text",
            content,
        )


_RULES = {
    "bool_parsing": "be true or false",
    "bool_type": "be true or false",
    "dict_type": "be a table",
    "float_parsing": "be a number",
    "float_type": "be a number",
    "int_from_float": "be a whole number",
    "int_parsing": "be a whole number",
    "int_type": "be a whole number",
    "model_attributes_type": "be a table",
    "model_type": "be a table",
    "string_type": "be text in quotes",
    "tuple_type": "be a list",
    "greater_than": "be above {gt}",
    "greater_than_equal": "be at least {ge}",
    "less_than": "be below {lt}",
    "less_than_equal": "be at most {le}",
    "literal_error": "be one of {expected}",
    "string_too_short": "have {min_length} or more characters",
    "string_too_long": "have {max_length} or fewer characters",
    "too_short": "hold {min_length} or more values",
    "too_long": "hold {max_length} or fewer values",
}
_MOST = 100


def explained(error: pydantic.ValidationError, content: Any, schema: type, origin: str) -> str:
    """Says of each wrong value which key it is at, what it must be, and how to put it right.

    Args:
        error: What pydantic raised.
        content: The configuration that was checked, as nested dicts and lists.
        schema: The class it was checked by.
        origin: Where it came from: the name of the file.

    Returns:
        One line a wrong value.
    """
    lines: dict[tuple[str, str], list[str]] = {}
    for one in error.errors(include_url=False):
        if one["type"] == "too_short" and len(one["input"]) >= one["ctx"]["min_length"]:
            continue  # its values are wrong, and that is told by itself
        path, rule, rest = _parts(one, content, schema, origin)
        # A value that may be of several types breaks the rule of each.
        lines.setdefault((path, rest), []).append(rule)
    return "\n".join(
        f"`{path}` must {' or '.join(dict.fromkeys(rules))}. {rest}".rstrip()
        for (path, rest), rules in lines.items()
    )


def _parts(error: Any, content: Any, schema: type, origin: str) -> tuple[str, str, str]:
    """The path of a wrong value, the rule that it breaks, and what was received."""
    kind, context = error["type"], dict(error.get("ctx", {}))
    keys, section = _walk(error["loc"], content, schema, kind in ("missing", "extra_forbidden"))
    fix = context.get("fix", "")
    if kind == "missing" and isinstance(keys[-1], int):
        keys, rule = keys[:-1], f"hold {keys[-1] + 1} or more values"
    elif kind == "missing":
        rule, fix = "be given", "Add it."
    elif kind == "extra_forbidden":
        rule = "be a known key"
        fix = _nearest(str(keys[-1]), sorted(section.model_fields))
    elif kind == "broken":
        rule = context["rule"]
        keys += context["key"].split(".")
    elif kind == "value_error":
        inner, rule, fix = _told(str(context["error"]))
        if inner and inner != keys[-1:] and keys:
            section = _section(section, str(keys[-1]))
        if inner and inner != keys[-1:] and inner[0] in section.model_fields:
            keys += inner
    else:
        rule = _RULES.get(kind, f"fit: {error['msg']}").format(**context)
    path, found = _path(keys), _at(content, keys)
    if kind in ("int_type", "float_type") and isinstance(found, str):
        rule += ", without quotes"
    if kind == "int_type" and isinstance(found, float):
        rule += ", without a point or an exponent"
    received = f"{path}={_short(found)}" if found is not _MISSING else "nothing"
    return path, rule, f"Received: {received} in '{origin}'. {fix}"


_TOLD = re.compile(r"(?:`([\w.]+)` must )?(.+?)\. Received: .*?(?:\.\s+([A-Z].*)|\.?)", re.DOTALL)


def _told(text: str) -> tuple[list[str], str, str]:
    """Takes the error of a validator apart: the key, the rule, and how to put it right."""
    found = _TOLD.fullmatch(text)
    if found is None:
        return [], f"keep this rule: {text.rstrip('.')}", ""
    key, rule, fix = found.groups("")
    return (key.split("."), rule, fix) if key else ([], f"keep this rule: {rule}", fix)


_MISSING = object()


def _walk(
    loc: tuple[Any, ...],
    content: Any,
    schema: Any,
    is_key: bool,  # noqa: FBT001
) -> tuple[list[Any], Any]:
    """The keys that lead to the value, without the names of alternatives, and its section."""
    keys: list[Any] = []
    for number, key in enumerate(loc):
        last = number == len(loc) - 1
        inside = isinstance(content, dict) and (key in content or (last and is_key))
        if inside or (isinstance(content, list) and isinstance(key, int)):
            keys.append(key)
            if inside and not last:
                schema = _section(schema, key)
            content = _at(content, [key])
        elif isinstance(key, str) and "." in key and _at(content, key.split(".")) is not _MISSING:
            keys += key.split(".")  # of `Tuning.space`, whose tables were made flat
            content = _at(content, key.split("."))
    return keys, schema


def _section(schema: Any, key: str) -> Any:
    """The section that is the value of a key, however it is wrapped in lists and alternatives."""
    if key not in schema.model_fields:
        return schema  # the name of one of many sections of a kind
    pending = [schema.model_fields[key].annotation]
    while pending:
        kind = pending.pop()
        if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel):
            return kind
        pending += [part for part in getattr(kind, "__args__", ()) if part is not Ellipsis]
    return schema


def _at(content: Any, keys: list[Any]) -> Any:
    for key in keys:
        try:
            content = content[key]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return content


def _path(keys: list[Any]) -> str:
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    return text.removeprefix(".") or "configuration"


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, 1, 0.6)
    return f"Did you mean {near[0]}?" if near else f"Known keys: {', '.join(known)}."


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."
