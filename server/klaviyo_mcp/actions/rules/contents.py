"""Rules about what is in the values: repetitions of objects, values that say nothing."""

import json
from collections.abc import Iterator
from typing import Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.rules.scope import Found, Scope
from klaviyo_mcp.actions.rules.words import both
from klaviyo_mcp.loose_json import is_object
from klaviyo_mcp.registry.precondition import Precondition

MOST_NAMED = 10


def distinct(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """No two objects that are the same in everything that counts."""
    stated = rule.distinct
    if stated is None:
        return
    seen: dict[str, Found] = {}
    all_found = scope.at(stated.of)
    for found in all_found if len(all_found) > 1 else ():
        if not is_object(found.value):
            continue
        inside = Scope(found.value, scope.now, way=found.way)
        values = [[one.value for one in inside.at(place)] for place in stated.by]
        if not all(values):
            continue
        key = _key(values)
        key = key.casefold() if stated.any_case else key
        first = seen.setdefault(key, found)
        if first is not found:
            yield Problem(found.name, f"has the same {both(stated.by)} as {first.name}", scope.hint)


def _key(values: list[list[Any]]) -> str:
    """What is the same for the same values alone. One text is most of them, and need not be written as JSON."""
    if len(values) == 1 == len(values[0]) and isinstance(values[0][0], str):
        return f" {values[0][0]}"
    return json.dumps(values, sort_keys=True)


def nothing_empty(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """No key of an object with null, 0 or an empty text."""
    for place in rule.nothing_empty or []:
        for found in scope.at(place):
            if empty := _empty(found):
                named = [
                    *empty[:MOST_NAMED],
                    *([f"{len(empty) - MOST_NAMED:,} more"] if len(empty) > MOST_NAMED else []),
                ]
                yield Problem(found.name, f"hold nothing: {both(named)}", scope.hint)


def _empty(found: Found) -> list[str]:
    if not is_object(found.value):
        return []
    return [
        key for key, value in found.value.items() if value is None or (not isinstance(value, bool) and value in ("", 0))
    ]
