"""How much one call may hold, looked at before anything else is: no call may hold up the others that a server answers.

What is within bounds and still large is checked off the event loop: see `is_long`.
"""

from functools import cache
from typing import Any

from klaviyo_mcp.actions.errors import InvalidArguments, Problem
from klaviyo_mcp.loose_json import JSON, is_list, is_object, mapping
from klaviyo_mcp.registry.registry import Action

DEEPEST = 200
"""Levels that arguments may be nested: far more than Klaviyo has, and far less than stops what walks through them."""
MOST_VALUES = 30_000
"""Values of one call, objects and lists among them, beside those of its longest list."""
VALUES_OF_ITEM = 50
"""Values for each item that the longest list of an action may have: 10,000 profiles in a body of 5 MB have no more."""
LARGEST = 500_000
"""Values of any one value, such as one that came as JSON in a text."""
MOST_ARGUMENTS = 200
"""Arguments of one call; no action has a third as many."""
LONGEST_ADDRESSED = 100_000
"""Characters of a text in a call whose arguments all stand in an address. Of shorter ones it is told how much fits."""
LONG = 1_000
"""What a call weighs that is no longer checked on the event loop: values, and characters by the hundred."""


class TooMuch(Exception):
    """More than is looked at. The message goes on a sentence that began with `they hold`."""


def check_bounds(action: Action, given: JSON) -> None:
    """Raises InvalidArguments for more than is looked at, in words about how much may be sent."""
    if len(given) > MOST_ARGUMENTS:
        names = ", ".join(action.spec.properties) or "none"
        raise _refused(action, Problem("", f"there are {len(given):,} arguments", f"There are: {names}"))
    addressed = action.http is not None and action.http.body is None and action.http.multipart is None
    most = most_values(action)
    count = 0
    for name, value in given.items():
        try:
            count = count_values(value, most, count)
        except TooMuch as error:
            raise _refused(
                action, Problem(name, f"must not hold {error}", "Send less at once, as plain JSON")
            ) from None
        if addressed and (longest := _longest(value)) > LONGEST_ADDRESSED:
            told = f"must not hold a text of {longest:,} characters, at most {LONGEST_ADDRESSED:,} are looked at"
            raise _refused(action, Problem(name, told, "Send something shorter"))


@cache
def most_values(action: Action) -> int:
    """How many values a call of an action may hold, objects and lists among them."""
    lists = (mapping(rule).get("maxItems", 0) for rule in action.spec.properties.values())
    return MOST_VALUES + VALUES_OF_ITEM * max(lists, default=0)


def count_values(value: object, most: int = LARGEST, before: int = 0) -> int:
    """How many values there are in a value, itself included, and `before` it. Raises TooMuch for more than `most`.

    Also for what is nested too deep.
    """
    level: list[Any] = [value]
    count = before + 1
    for _ in range(DEEPEST):
        parts: list[JSON | list[Any]] = [part for part in level if is_object(part) or is_list(part)]
        if not parts:
            return count
        count += sum(map(len, parts))
        if count > most:
            raise TooMuch(f"more than {most:,} values")
        level = [inner for part in parts for inner in (part.values() if is_object(part) else part)]
    raise TooMuch(f"values nested over {DEEPEST} levels deep")


def is_long(value: object) -> bool:
    """Whether it takes long to look at a value, found out in no time: no further than LONG goes."""
    left: list[Any] = [value]
    weight = 0
    while left and weight <= LONG:
        part = left.pop()
        weight += 1
        if isinstance(part, str):
            weight += len(part) // 100
        elif is_object(part) or is_list(part):
            weight += len(part)
            if weight <= LONG:
                left.extend(part.values() if is_object(part) else part)
    return weight > LONG


def _longest(value: object) -> int:
    """The characters of the longest text in a value."""
    left: list[Any] = [value]
    longest = 0
    while left:
        part = left.pop()
        if isinstance(part, str):
            longest = max(longest, len(part))
        elif is_object(part):
            left.extend(part.values())
            longest = max(longest, *map(len, part), 0)
        elif is_list(part):
            left.extend(part)
    return longest


def _refused(action: Action, problem: Problem) -> InvalidArguments:
    return InvalidArguments(f"{action.name} was not called: its arguments are more than can be looked at.", (problem,))
