"""Whether the conditions of a spec hold of a call: its arguments, the records it brought, what its rules read."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from klaviyo_mcp.klaviyo import user_text
from klaviyo_mcp.klaviyo.words import one_line
from klaviyo_mcp.loose_json import JSON, is_list, is_number, is_object
from klaviyo_mcp.registry.notes import PLACEHOLDER, Condition, Note


def holds(condition: Condition, values: JSON) -> bool:
    """Whether everything that a condition sets is so. A path through a list means any of its items."""
    return (
        all(any(_found(hole, values)) for hole in condition.given)
        and not any(any(_found(hole, values)) for hole in condition.absent)
        and all(_equal(_found(hole, values), wanted) for hole, wanted in condition.equals.items())
        and all(
            any(_size(found) > least for found in _found(hole, values)) for hole, least in condition.more_than.items()
        )
        and all(
            any(isinstance(found, str) and re.search(text, found, re.IGNORECASE) for found in _found(hole, values))
            for hole, text in condition.matches.items()
        )
    )


def said(note: Note, values: JSON) -> str:
    """The text of a note with its placeholders filled: one value, or the length of a list."""

    def filled(match: re.Match[str]) -> str:
        found = list(_found(match[1], values))
        if len(found) == 1 and not is_list(found[0]):
            value = found[0] if isinstance(found[0], str) else str(found[0])
            return user_text.said(value, partial(one_line, most=100))
        return str(sum(len(part) if is_list(part) else 1 for part in found))

    return PLACEHOLDER.sub(filled, note.says)


def _found(hole: str, values: JSON) -> Iterator[Any]:
    """Every value that a hole such as `$profiles.email` leads to."""
    yield from _at(values, hole[1:].split("."))


def _at(value: Any, path: list[str]) -> Iterator[Any]:
    if not path:
        yield value
    elif is_list(value) and path[0].isdecimal():
        for item in value[int(path[0]) : int(path[0]) + 1]:
            yield from _at(item, path[1:])
    elif is_list(value):
        for item in value:
            yield from _at(item, path)
    elif is_object(value) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _equal(found: Iterator[Any], wanted: Any) -> bool:
    # In Python 1 equals True; in a spec they are different things.
    allowed = {(isinstance(one, bool), one) for one in (wanted if is_list(wanted) else [wanted])}
    return any((isinstance(one, bool), one) in allowed for one in found if isinstance(one, str | int | float))


def _size(value: Any) -> float:
    if is_list(value):
        return len(value)
    return value if is_number(value) else 0
