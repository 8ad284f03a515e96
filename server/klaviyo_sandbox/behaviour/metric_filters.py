"""Conditions on an event's property: what one may look like, and whether a value fulfils it."""

import re
from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from klaviyo_sandbox.loose_json import Json, items
from klaviyo_sandbox.shapes import Choice, Items, Record, Scalar, Text

_NUMERIC: Mapping[str, Callable[[float, float], bool]] = {
    "equals": eq,
    "not-equals": ne,
    "greater-than": gt,
    "greater-than-or-equal": ge,
    "less-than": lt,
    "less-than-or-equal": le,
}
_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "equals": eq,
    "contains": lambda value, part: part in value,
    "starts-with": str.startswith,
    "ends-with": str.endswith,
    "regex": lambda value, pattern: re.search(pattern, value) is not None,
}
_LISTS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": eq,
    "contains-starts-with": str.startswith,
    "contains-ends-with": str.endswith,
    "contains-substring": lambda item, part: part in item,
}
_OPPOSITES = {"not-equals": "equals", "nregex": "regex"}

_NAMED = {"type": Text(), "operator": Text()}
_VALUED = ("type", "operator", "value")


def _operators(names: Sequence[str], value: Text | Scalar | Items) -> dict[str, Record | Choice]:
    return dict.fromkeys(names, Record({**_NAMED, "value": value}, _VALUED))


def _with_opposites(names: Sequence[str]) -> list[str]:
    return [*names, *(f"not-{name}" for name in names)]


_FILTER = Choice(
    "type",
    {
        "numeric": Choice("operator", _operators(list(_NUMERIC), Scalar(kinds=("number",)))),
        "string": Choice(
            "operator",
            {
                **_operators(
                    [*_with_opposites(("equals", "contains", "starts-with", "ends-with")), "regex", "nregex"],
                    Text(nullable=True),
                ),
                **_operators(["in"], Items(Text())),
            },
        ),
        "existence": Choice("operator", dict.fromkeys(("is-set", "not-set"), Record(_NAMED, ("type", "operator")))),
        "boolean": Choice("operator", _operators(["equals"], Scalar(kinds=("boolean",)))),
        "list": Choice(
            "operator", _operators(_with_opposites(list(_LISTS)), Scalar(kinds=("string", "number"), nullable=True))
        ),
    },
)
METRIC_FILTERS = Items(
    Record({"property": Text(shortest=1), "filter": _FILTER}, required=("property", "filter")), nullable=True
)


def fulfils(properties: Json, filters: Sequence[Json]) -> bool:
    """Whether an event's properties fulfil every one of `filters`."""
    return all(_fulfils(properties.get(condition["property"]), condition["filter"]) for condition in filters)


def is_pattern(text: str) -> bool:
    """Whether `text` is a regular expression."""
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def _fulfils(value: Any, condition: Json) -> bool:
    operator: str = condition["operator"]
    wanted: Any = condition.get("value")
    match condition["type"]:
        case "existence":
            return (value is not None) == (operator == "is-set")
        case "boolean":
            return isinstance(value, bool) and value is wanted
        case "numeric":
            number = _number(value)
            return number is not None and _NUMERIC[operator](number, wanted)
        case "list":
            plain = operator.removeprefix("not-")
            return any(_LISTS[plain](str(item), str(wanted)) for item in items(value)) == (plain == operator)
        case _:
            return _fulfils_text("" if value is None else str(value), operator, wanted)


def _fulfils_text(value: str, operator: str, wanted: Any) -> bool:
    if operator == "in":
        return value in wanted
    plain = _OPPOSITES.get(operator, operator.removeprefix("not-"))
    return _TEXTS[plain](value, wanted or "") == (plain == operator)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None
