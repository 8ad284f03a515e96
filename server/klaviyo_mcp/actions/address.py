"""Requests whose address is not too long: filters, lists and ids stand in it, and it is bounded.

What is too long is refused before anything is sent, with how much fits. It is not split: answers to parts of a filter
would have to be sorted, paged and counted anew, which only the caller's purpose allows.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil
from typing import Any
from urllib.parse import quote

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.actions.request import build
from klaviyo_mcp.klaviyo.filters import FilterSyntaxError, parse, render
from klaviyo_mcp.klaviyo.requests import LONGEST_TARGET, ApiRequest
from klaviyo_mcp.loose_json import JSON, is_list
from klaviyo_mcp.registry.registry import Action

ROOM = 500
"""Characters left for what is added later: the cursor of a further page, the account's public key."""
MOST = LONGEST_TARGET - ROOM


def build_within(action: Action, arguments: JSON) -> ApiRequest:
    """The one HTTP request of an action. Raises InvalidArguments when its address would be too long."""
    request = build(action, arguments)
    if (length := len(request.target)) <= MOST:
        return request
    largest = sorted(arguments, key=lambda name: -len(quote(str(arguments[name]))))
    found = next((one for name in largest if (one := _too_long(action, arguments, name, length))), None)
    problems = (found,) if found else ()
    raise InvalidArguments(
        f"{action.name} was not called: the address of its request would have {length:,} characters, and {MOST:,} fit.",
        problems,
    )


def _too_long(action: Action, arguments: JSON, name: str, length: int) -> Problem | None:
    """What to say of an argument that makes the address long; None for one that does not stand in it."""
    parts = _parts(name, arguments[name])
    if parts is None:
        return None

    def size(count: int) -> int:
        return len(build(action, {**arguments, name: parts.first(count)}).target)

    if parts.count == 0 or size(0) == length:
        return None
    # Every part takes a character at least, so no more than these have to be tried.
    fitting = bisect_left(range(1, min(parts.count, LONGEST_TARGET) + 1), True, key=lambda count: size(count) > MOST)
    told = f"has {parts.count:,} {parts.kind}, of which the first {fitting:,} fit into an address"
    if parts.kind == "characters" or not fitting:
        return Problem(name, told, "Send something shorter")
    calls = ceil(parts.count / fitting)
    fix = f"Send at most {fitting:,} at a time, in {calls:,} calls or more; each answer is sorted and paged for itself"
    return Problem(name, told, fix)


@dataclass(frozen=True, slots=True)
class _Parts:
    """An argument that can be made shorter: how many parts it has, of which kind, and itself with the first of them."""

    count: int
    kind: str
    first: Callable[[int], Any]


def _parts(name: str, value: Any) -> _Parts | None:
    if is_list(value):
        return _Parts(len(value), "values", lambda count: value[:count])
    if not isinstance(value, str):
        return None
    try:
        conditions = parse(value) if name == "filter" else []
    except FilterSyntaxError:
        conditions = []
    lists = [place for place, condition in enumerate(conditions) if isinstance(condition.value, list)]
    if not lists:
        return _Parts(len(value), "characters", lambda count: value[:count])
    place = max(lists, key=lambda place: len(render([conditions[place]])))
    longest = conditions[place]
    values: list[Any] = longest.value if isinstance(longest.value, list) else []

    def first(count: int) -> str:
        return render([*conditions[:place], replace(longest, value=values[:count]), *conditions[place + 1 :]])

    return _Parts(len(values), f"values for {longest.field}", first)
