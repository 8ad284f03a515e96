"""How a spec file looks: plain data as YAML lines of at most 120 characters, short mappings in flow style.

PyYAML writes the scalars, so that quoting is right; only the arrangement is ours.
"""

import re
from functools import lru_cache
from typing import Any

import yaml

from klaviyo_mcp.loose_json import JSON, is_list, is_object

WIDTH = 120
INDENT = 2

FLOW_DEPTH = 6
"""Levels of `{a: {b: ...}}` on one line beyond which a reader loses count."""

ALWAYS_BLOCK = (
    ("input_schema",),
    ("input_schema", "properties"),
    ("input_schema", "$defs"),
    ("filters",),
    ("request",),
    ("request", "query"),
)
"""The parts that keep one line for each of their keys even when they would fit on one."""

PLAIN_WITH_COLON = re.compile(r"^[A-Za-z][\w-]*(:[\w-]+)+$", re.ASCII)
"""Words such as `lists:write`, which PyYAML quotes in flow style although YAML does not ask for it."""

HEADER = "# yaml-language-server: $schema=../../docs/action.schema.json\n"


def file_text(spec: JSON) -> str:
    """A whole new spec file."""
    return HEADER + "".join(f"{line}\n" for key, value in spec.items() for line in entry(key, value, (key,)))


def entry(key: str, value: Any, path: tuple[str, ...], indent: int = 0) -> list[str]:
    """The lines of `key: value`. `path` is where the key is in the file."""
    head = " " * indent + _scalar(key, flow=False) + ":"
    if (line := _one_line(value, len(head) + 1, path)) is not None:
        return [f"{head} {line}"]
    if is_object(value):
        return [
            head,
            *(line for inner in value for line in entry(inner, value[inner], (*path, inner), indent + INDENT)),
        ]
    if all(not isinstance(item, (dict, list)) for item in value):
        return _wrapped(head, [_scalar(item, flow=True) for item in value], indent + INDENT)
    return [head, *(line for item in value for line in _item(item, path, indent + INDENT))]


def _item(value: Any, path: tuple[str, ...], indent: int) -> list[str]:
    """One item of a block list."""
    head = " " * indent + "-"
    if (line := _one_line(value, len(head) + 1, (*path, "-"))) is not None:
        return [f"{head} {line}"]
    if is_object(value):
        lines = [line for key in value for line in entry(key, value[key], (*path, "-", key), indent + INDENT)]
    else:
        lines = [line for item in value for line in _item(item, (*path, "-"), indent + INDENT)]
    return [f"{head} {lines[0].lstrip()}", *lines[1:]]


def _wrapped(head: str, items: list[str], indent: int) -> list[str]:
    """A list of plain values over as many lines as it needs."""
    lines = [f"{head} ["]
    for index, item in enumerate(items):
        piece = item + ("]" if index == len(items) - 1 else ",")
        gap = "" if lines[-1].endswith("[") else " "
        if len(lines[-1]) + len(gap) + len(piece) > WIDTH:
            lines.append(" " * indent + piece)
        else:
            lines[-1] += gap + piece
    return lines


def _one_line(value: Any, column: int, path: tuple[str, ...]) -> str | None:
    """The value in flow style when it belongs and fits on the line, else None. A scalar always does."""
    if not isinstance(value, (dict, list)) or not value:
        return _scalar(value, flow=False)
    if path in ALWAYS_BLOCK or _depth(value) > FLOW_DEPTH:
        return None
    line = _flow(value)
    return line if column + len(line) <= WIDTH else None


def _flow(value: Any) -> str:
    if is_object(value) and value:
        return "{" + ", ".join(f"{_scalar(key, flow=True)}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if is_list(value) and value:
        return "[" + ", ".join(_flow(inner) for inner in value) + "]"
    return _scalar(value, flow=True)


def _depth(value: Any) -> int:
    inner: list[Any] = list(value.values()) if is_object(value) else value if is_list(value) else []
    return 1 + max(map(_depth, inner)) if inner else 0


def _scalar(value: Any, *, flow: bool) -> str:
    """A scalar or an empty collection as YAML; brackets and commas need quotes in flow style only."""
    if isinstance(value, dict):
        return "{}"
    return "[]" if isinstance(value, list) else _written(type(value).__name__, value, flow)


@lru_cache(maxsize=4096)
def _written(_kind: str, value: Any, flow: bool) -> str:
    """`_kind` keeps True apart from 1 in the cache."""
    if flow:
        return value if isinstance(value, str) and PLAIN_WITH_COLON.match(value) else _dump([value])[1:-1]
    return _dump({"k": value}, flow=False).removeprefix("k: ")


def _dump(value: Any, *, flow: bool = True) -> str:
    return yaml.safe_dump(value, default_flow_style=flow, width=1_000_000, allow_unicode=True).strip()
