"""Rules about how much and how often: items, bytes, repetitions."""

import json
from collections.abc import Iterator
from typing import Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.rules.scope import Found, Scope
from klaviyo_mcp.actions.rules.words import both
from klaviyo_mcp.loose_json import compact_json, is_list, is_object, json_bytes
from klaviyo_mcp.loose_json import items as items_of
from klaviyo_mcp.registry.precondition import AtMostBytes, Precondition


def items(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """At most so many items in some lists together."""
    if limit := rule.items:
        count = sum(len(items_of(found.value)) for name in limit.of for found in scope.at(name))
        if count > limit.at_most:
            problem = f"hold {count:,} items, at most {limit.at_most:,} are allowed"
            yield Problem(both(limit.of), problem, scope.hint or "Spread them over several calls")


def size(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """At most so many bytes of JSON, in all."""
    if limit := rule.bytes:
        found = _values(limit, scope)
        # The request wraps what is counted here, so what is too large here is too large there.
        count = sum(_size(each.value) for each in found)
        if count > limit.at_most:
            named = both(limit.of) if limit.of else scope.within
            problem = f"has {count:,} bytes as JSON, at most {limit.at_most:,} are allowed"
            yield Problem(named, problem, scope.hint or "Send less, or spread it over several calls")


def text_size(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """At most so many bytes in each text, however deep it lies."""
    if limit := rule.text_bytes:
        for each in _values(limit, scope):
            # A character has at most four bytes, so that most texts need not be encoded.
            for text in _texts(each, limit.at_most // 4):
                if (count := len(text.value.encode())) > limit.at_most:
                    problem = f"has {count:,} bytes, at most {limit.at_most:,} are allowed in one text"
                    yield Problem(text.name, problem, scope.hint or "Shorten it")


def differ(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """The same value at no two of these places."""
    seen: dict[str, str] = {}
    for place in rule.differ or []:
        for found in scope.at(place):
            first = seen.setdefault(json.dumps(found.value, sort_keys=True), found.name)
            if first != found.name:
                problem = f"is the same as {first}: {found.value!r}"
                yield Problem(found.name, problem, scope.hint or "Each may be there once")


def includes(rule: Precondition, scope: Scope) -> Iterator[Problem]:
    """Where there are any values, certain ones are among them."""
    if wanted := rule.includes:
        found = [each.value for each in scope.at(wanted.of)]
        missing = [value for value in wanted.values if value not in found]
        if found and missing:
            yield Problem(wanted.of, f"must include {both(missing)}", scope.hint or f"Add {both(missing)}")


def _values(limit: AtMostBytes, scope: Scope) -> list[Found]:
    if not limit.of:
        return [Found(scope.way, scope.arguments)]
    return [found for place in limit.of for found in scope.at(place)]


def _size(value: Any) -> int:
    """The bytes of a value as JSON. Lists may be long; what is asked about each of ten thousand is short."""
    return len(json_bytes(value) if is_list(value) else compact_json(value))


def _texts(at: Found, longer_than: int) -> Iterator[Found]:
    """The texts of more than so many characters, however deep they lie."""
    inner = at.value.items() if is_object(at.value) else enumerate(at.value) if is_list(at.value) else ()
    if isinstance(at.value, str) and len(at.value) > longer_than:
        yield at
    for key, value in inner:
        if isinstance(value, str):
            if len(value) > longer_than:
                yield Found((at.way, key), value)
        elif is_object(value) or is_list(value):
            yield from _texts(Found((at.way, key), value), longer_than)
