"""`clear` in a call: the fields that it names become null in what is sent, and nothing else does."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.request import ABSENT, read_hole
from klaviyo_mcp.loose_json import JSON, is_object, items, mapping
from klaviyo_mcp.registry.clearing import CLEAR, clearable
from klaviyo_mcp.registry.registry import Action

MOST_NAMED = 20
"""Names that a note or a problem shows."""


def emptied(action: Action, arguments: JSON) -> tuple[JSON, tuple[str, ...], list[Problem]]:
    """Checked arguments with null for what they clear, the places cleared, and names that are given a value as well."""
    places: dict[str, None] = {}
    problems: list[Problem] = []
    for place in action.spec.clearing.inside or []:
        arguments = _changed(arguments, place.split(".") if place else [], "", place, places, problems)
    return arguments, tuple(places), problems


def not_emptied(action: Action, nulls: Iterable[str]) -> tuple[str, ...]:
    """Of the places where null was given those that `clear` could have named."""
    if not (given := tuple(nulls)):
        return ()
    known = {
        f"{place}.{name}".lstrip(".")
        for place in action.spec.clearing.inside or []
        for name in clearable(action.spec.input_schema, place)
    }
    return tuple(place for place in given if place in known)


def how_to_empty(not_given: Sequence[str]) -> str:
    """How the fields are emptied that were given as null: `name it in clear: ["title"]`."""
    names = [place.rpartition("[].")[2] for place in not_given]
    where = f" of that one of {not_given[0].partition('[]')[0]}" if "[]" in not_given[0] else ""
    return f"To empty a field, name it in clear{where}: clear: {json.dumps(names[:MOST_NAMED])}"


def _changed(
    value: Any, parts: list[str], where: str, place: str, places: dict[str, None], problems: list[Problem]
) -> Any:
    """A copy of a value in which the objects that the parts lead to have null for what their `clear` names."""
    if not is_object(value) or (not parts and CLEAR not in value):
        return value
    if not parts:
        return _emptied(value, where, place, places, problems)
    key, rest = parts[0].removesuffix("[]"), parts[1:]
    if key not in value:
        return value
    here = f"{where}.{key}".lstrip(".")
    if parts[0].endswith("[]"):
        inner: Any = [
            _changed(item, rest, f"{here}[{index}]", place, places, problems)
            for index, item in enumerate(items(value[key]))
        ]
    else:
        inner = _changed(value[key], rest, here, place, places, problems)
    return {**value, key: inner}


def _emptied(value: JSON, where: str, place: str, places: dict[str, None], problems: list[Problem]) -> JSON:
    found = {name: inner for name, inner in value.items() if name != CLEAR}
    for name in _outermost([name for name in items(value.get(CLEAR)) if isinstance(name, str)]):
        if read_hole(name, value) is ABSENT:
            found = _with_null(found, name.split("."))
            places[f"{place}.{name}".lstrip(".")] = None
        else:
            words = f"is given a value, and is to be emptied by {f'{where}.{CLEAR}'.lstrip('.')}"
            problems.append(Problem(f"{where}.{name}".lstrip("."), words, "Do one of the two"))
    return found


def _outermost(names: list[str]) -> Iterator[str]:
    """Each name once, and no part of what is emptied whole."""
    for name in dict.fromkeys(names):
        parts = name.split(".")
        if not any(".".join(parts[:many]) in names for many in range(1, len(parts))):
            yield name


def _with_null(value: JSON, parts: list[str]) -> JSON:
    """A copy with null at a dotted name, whose other parts stay as they were given."""
    first, *rest = parts
    return {**value, first: _with_null(mapping(value.get(first)), rest) if rest else None}
