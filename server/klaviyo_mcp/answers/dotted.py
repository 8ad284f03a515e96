"""Fields of records by dotted names, such as `location.city`, and the lists that an answer has."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from klaviyo_mcp.loose_json import JSON, is_list, is_object, mapping

LOOKED_AT = 1_000
"""Records whose names are gathered for a message."""
DEEPEST = 6
MAIN = ("records", "ids")
"""Where a listing has what it lists; a report has its rows in `record`."""
BESIDE = frozenset({"attempts", "cleared", "cut", "fields_left_out", "not_read", "notes", "warnings"})
"""Lists that say something of an answer, and hold none of it."""


def below(above: str, key: str) -> str:
    """The name of a key in what has a name, or none. Added up, as a key that is a customer's makes it theirs."""
    return above + "." + key if above else key


def value_at(record: Any, name: str) -> Any:
    """The value of a field: a list where the name leads through one; None for null, or where there is none.

    A key with dots in it is found before what lies deeper, as names of custom properties may have some.
    """
    if is_list(record):
        found = [inner for item in record if (inner := value_at(item, name)) is not None]
        return found or None
    if not is_object(record):
        return None
    if name in record:
        return record[name]
    end = len(name)
    while (end := name.rfind(".", 0, end)) > 0:
        if name[:end] in record and (found := value_at(record[name[:end]], name[end + 1 :])) is not None:
            return found
    return None


def values_at(record: Any, name: str) -> list[Any]:
    """The values of a field one by one, also those in lists; none where it is null or missing."""
    return [value for value in _singles(value_at(record, name)) if value is not None]


def _singles(value: Any) -> Iterator[Any]:
    if is_list(value):
        for item in value:
            yield from _singles(item)
    else:
        yield value


def names_in(records: Iterable[Any]) -> list[str]:
    """The dotted names of all fields that are not null, in the order in which they come."""
    return list(dict.fromkeys(name for record in islice(records, LOOKED_AT) for name in _names(record, "", 0)))


def _names(value: Any, above: str, depth: int) -> Iterator[str]:
    if is_object(value) and value and depth < DEEPEST:
        for key, inner in value.items():
            yield from _names(inner, below(above, key), depth + 1)
    elif is_list(value) and any(is_object(item) for item in value) and depth < DEEPEST:
        for item in value:
            yield from _names(item, above, depth + 1)
    elif value is not None and above:
        yield above


def flat(record: Any, above: str = "") -> JSON:
    """A record with dotted names in place of objects inside it; lists stay what they are."""
    found: JSON = {}
    for key, value in mapping(record).items():
        name = below(above, key)
        found |= flat(value, name) if is_object(value) and value else {name: value}
    return found


def lists_in(data: JSON) -> dict[str, list[Any]]:
    """The lists of an answer by the dotted names that lead to them, without those inside of lists."""
    found: dict[str, list[Any]] = {}
    waiting: list[tuple[str, Any]] = [("", data)]
    while waiting:
        above, value = waiting.pop(0)
        for key, inner in mapping(value).items():
            name = below(above, key)
            if is_list(inner):
                found[name] = inner
            elif is_object(inner) and name.count(".") < DEEPEST:
                waiting.append((name, inner))
    return found


def main_list(data: JSON) -> str:
    """The list that an answer is about: that of a listing or report, or the only one of an answer made of others.

    "" where it is about one thing, or has several.
    """
    lists = [name for name, value in data.items() if is_list(value) and name not in BESIDE]
    if "count" in data:
        for name in MAIN:
            if name in lists:
                return name
        rows = {name: values for name, values in lists_in(data).items() if name.startswith("record.")}
        if rows:
            return max(rows, key=lambda name: len(rows[name]))
    return lists[0] if len(lists) == 1 else ""


def longest_list(data: JSON) -> str:
    """The list with the most items, of objects rather than of anything else; "" where there is none."""
    lists = {name: values for name, values in lists_in(data).items() if values and name not in BESIDE}
    return max(lists, key=lambda name: (any(map(is_object, lists[name])), len(lists[name])), default="")
