"""Expressions of specs: JMESPath (jmespath.org) and a few functions that it lacks, none of them for one action alone.

What is missing is null, and goes through every function here: no step fails for a number that is not there. Loaded
with the first action that has an expression, since most have none.
"""

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import zip_longest
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import REVERSE_TYPES_MAP, TYPES_MAP, Functions

from klaviyo_mcp.actions.figures import cohorts, compared, direction, measured, newest_cohorts, plain_number, share
from klaviyo_mcp.actions.noticing import noticed
from klaviyo_mcp.actions.periods import is_before, local, moment, period, period_against, period_before
from klaviyo_mcp.klaviyo.user_text import UserText, is_written_by_users, joined, line_of
from klaviyo_mcp.loose_json import JSON, is_list, is_number, is_object, items, mapping, objects

ANY = ""
"""A kind of argument: any value, null among them."""
LONGEST_SAID = 80
"""Characters of one text in a line that tells the most telling ones."""
BLANKS = re.compile(r"\s+")
TEXT, THEIRS = str.__name__, UserText.__name__
"""JMESPath goes by the names of Python's classes, and knows one of texts."""


class NotComputed(ValueError):
    """What was read does not fit an expression."""


def _takes(*kinds: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Marks a function for JMESPath, with the kinds of its arguments."""

    def mark(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__dict__["signature"] = tuple({"types": [kind] if kind else []} for kind in kinds)
        return function

    return mark


class _Functions(Functions):
    """JMESPath's own functions and ours, for which see docs/specs.md.

    What is made of customers' words is theirs, or has them marked in it: also by JMESPath's functions.
    """

    def _convert_to_jmespath_type(self, pyobject: str) -> str:
        return TYPES_MAP.get(TEXT if pyobject == THEIRS else pyobject, "unknown")

    def _get_allowed_pytypes(self, types: list[str]) -> tuple[list[str], list[tuple[str, ...]]]:
        names = [kind.partition("-") for kind in types]
        allowed = [_classes(kind) for kind, _, _ in names]
        return [one for several in allowed for one in several], [_classes(inner) for _, _, inner in names if inner]

    @_takes("string", "array-string")
    def _func_join(self, between: str, parts: list[str]) -> str:
        return joined(parts, between)

    @_takes(ANY)
    def _func_to_string(self, value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), default=str)
        return UserText(text) if is_written_by_users(value) else text

    @_takes(ANY, ANY)
    def _func_subtract(self, number: Any, other: Any) -> Any:
        return _round(number - other, 6) if _numbers(number, other) else None

    @_takes(ANY, ANY, "number")
    def _func_multiply(self, number: Any, by: Any, digits: int) -> Any:
        return _round(number * by, digits) if _numbers(number, by) else None

    @_takes(ANY, ANY, "number")
    def _func_divide(self, number: Any, by: Any, digits: int) -> Any:
        return _round(number / by, digits) if _numbers(number, by) and by else None

    @_takes(ANY, ANY)
    def _func_rate(self, part: Any, whole: Any) -> Any:
        return _round(part / whole, 4) if _numbers(part, whole) and whole else None

    @_takes(ANY, ANY)
    def _func_change(self, now: Any, before: Any) -> Any:
        return _round((now - before) / before * 100, 1) if _numbers(now, before) and before else None

    @_takes(ANY, ANY)
    def _func_points(self, now: Any, before: Any) -> Any:
        return _round((now - before) * 100, 2) if _numbers(now, before) else None

    @_takes(ANY, "number")
    def _func_round(self, number: Any, digits: int) -> Any:
        return _round(number, digits) if _numbers(number) else None

    @_takes(ANY, "array")
    def _func_totals(self, rows: Any, names: list[str]) -> JSON:
        return _totals(objects(rows), names)

    @_takes(ANY, "array", "array")
    def _func_group_sum(self, rows: Any, keys: list[str], names: list[str]) -> list[JSON]:
        groups: dict[str, list[JSON]] = {}
        for row in objects(rows):
            groups.setdefault(str([_at(row, key) for key in keys]), []).append(row)
        return [{**{key: _at(group[0], key) for key in keys}, **_totals(group, names)} for group in groups.values()]

    @_takes(ANY, "string", ANY, "string", "string")
    def _func_look_up(self, rows: Any, key: str, among: Any, by: str, name: str) -> list[JSON]:
        found = {str(_at(record, by)): record for record in reversed(objects(among))}
        return [{**row, name: found.get(str(_at(row, key)))} for row in objects(rows)]

    @_takes(ANY, "string", ANY)
    def _func_names(self, ids: Any, key: str, among: Any) -> list[Any]:
        known = {str(record.get("id")): record.get(key) for record in objects(among)}
        return [known.get(str(one)) or one for one in items(ids)]

    @_takes(ANY, "object")
    def _func_with(self, rows: Any, more: JSON) -> list[JSON]:
        return [{**row, **more} for row in objects(rows)]

    @_takes(ANY)
    def _func_rows_of(self, columns: Any) -> list[JSON]:
        lists = {name: values for name, values in mapping(columns).items() if is_list(values)}
        return [dict(zip(lists, row, strict=False)) for row in zip(*lists.values(), strict=False)]

    @_takes(ANY, "string")
    def _func_unique(self, values: Any, key: str) -> list[Any]:
        seen: dict[str, Any] = {}
        for value in items(values):
            seen.setdefault(str(_at(value, key) if key else value), value)
        return list(seen.values())

    @_takes(ANY, "array", ANY)
    def _func_like(self, records: Any, names: list[str], sought: Any) -> list[JSON]:
        if not isinstance(sought, str) or not sought.strip():
            return []
        wanted = sought.strip().casefold()
        ranked = [(rank, record) for record in objects(records) if (rank := _likeness(record, names, wanted)) < 4]
        return [record for _, record in sorted(ranked, key=lambda one: one[0])]

    @_takes(ANY, "string")
    def _func_greatest_first(self, rows: Any, name: str) -> list[JSON]:
        numbered = [row for row in objects(rows) if _numbers(_at(row, name))]
        return sorted(numbered, key=lambda row: _at(row, name), reverse=True)

    @_takes(ANY, "number")
    def _func_first(self, values: Any, most: int) -> list[Any]:
        return items(values)[: int(most)]

    @_takes(ANY, "number")
    def _func_rest(self, values: Any, most: int) -> list[Any]:
        return items(values)[int(most) :]

    @_takes("string", ANY)
    def _func_words(self, between: str, parts: Any) -> Any:
        return line_of((said for part in items(parts) if (said := _plain(part))), between) or None

    @_takes(ANY, "string")
    def _func_matches(self, text: Any, pattern: str) -> bool:
        return isinstance(text, str) and re.fullmatch(pattern, text) is not None

    @_takes(ANY, ANY)
    def _func_when(self, condition: Any, value: Any) -> Any:
        return value if condition else None

    @_takes(ANY, "object")
    def _func_instead(self, value: Any, table: JSON) -> Any:
        return table.get(str(value).lower() if isinstance(value, bool) else str(value), value)

    @_takes(ANY, "array", "number")
    def _func_brief(self, value: Any, first: list[str], most: int) -> Any:
        return _brief(mapping(value), first, int(most))

    @_takes(ANY, ANY, "string")
    def _func_local(self, when: Any, zone: Any, form: str) -> Any:
        return local(when, zone, form)

    @_takes(ANY, ANY)
    def _func_before(self, when: Any, other: Any) -> Any:
        return is_before(when, other)

    @_takes(ANY, ANY)
    def _func_moment(self, clock: Any, zone: Any) -> Any:
        return moment(clock, zone)

    @_takes(ANY, "string")
    def _func_period(self, timeframe: Any, now: str) -> Any:
        return period(timeframe, now)

    @_takes(ANY)
    def _func_period_before(self, covered: Any) -> Any:
        return period_before(covered)

    @_takes(ANY, ANY)
    def _func_period_against(self, covered: Any, how: Any) -> Any:
        return period_against(covered, how)

    @_takes(ANY, ANY, "array")
    def _func_compared(self, now: Any, before: Any, names: list[str]) -> list[JSON]:
        return compared(now, before, names)

    @_takes(ANY, "array")
    def _func_measured(self, rows: Any, names: list[str]) -> list[JSON]:
        return measured(rows, names)

    @_takes(ANY, ANY)
    def _func_share(self, part: Any, whole: Any) -> Any:
        return share(part, whole)

    @_takes(ANY)
    def _func_cohorts(self, events: Any) -> list[JSON]:
        return cohorts(events)

    @_takes(ANY, ANY)
    def _func_direction(self, came: Any, left: Any) -> Any:
        return direction(came, left)

    @_takes(ANY)
    def _func_newest_cohorts(self, rows: Any) -> list[JSON]:
        return newest_cohorts(rows)

    @_takes("string", ANY)
    def _func_noticed(self, report: str, answer: Any) -> list[JSON]:
        return noticed(report, mapping(answer), evaluate)

    @_takes(ANY)
    def _func_added_up(self, lists: Any) -> list[Any]:
        rows = [items(one) for one in items(lists)]
        return [_round(sum(number for number in column if _numbers(number)), 6) for column in zip_longest(*rows)]

    @_takes(ANY)
    def _func_only_numbers(self, values: Any) -> list[Any]:
        return [value for value in items(values) if _numbers(value)]


_OPTIONS = jmespath.Options(custom_functions=_Functions())


@lru_cache(maxsize=512)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def evaluate(expression: str, values: JSON) -> Any:
    """What an expression makes of values, without nulls in objects. Raises NotComputed."""
    try:
        return _without_null(_compiled(expression).search(values, options=_OPTIONS))
    except (JMESPathError, TypeError, ValueError, KeyError) as error:
        raise NotComputed(str(error)) from error


def roots(expression: str) -> list[str]:
    """The names of values that an expression starts from, in order. Raises ValueError for one that cannot be read."""
    try:
        return list(dict.fromkeys(_roots(_compiled(expression).parsed)))
    except JMESPathError as error:
        raise ValueError(" ".join(str(error).split())) from None


def unknown_functions(expression: str) -> list[str]:
    """What is wrong with the functions that a readable expression calls: unknown, or with other arguments."""
    table: dict[str, Any] = _Functions.FUNCTION_TABLE
    found: list[str] = []
    for node in _nodes(_compiled(expression).parsed):
        if node["type"] == "function_expression":
            name, given = node["value"], len(node["children"])
            if name not in table:
                found.append(f"there is no function {name}()")
            elif given != (takes := len(table[name]["signature"])) and not _variadic(table[name]["signature"], given):
                found.append(f"{name}() takes {takes} arguments, not {given}")
    return found


def _variadic(takes: Any, given: int) -> bool:
    return bool(takes and takes[-1].get("variadic")) and given >= len(takes)


def _nodes(node: Any) -> Iterator[JSON]:
    if is_object(node) and "type" in node:
        yield node
        for child in items(node.get("children")):
            yield from _nodes(child)


FIRST_ALONE = {
    "subexpression",
    "index_expression",
    "pipe",
    "projection",
    "value_projection",
    "filter_projection",
}
"""Nodes of which only the first child sees what the expression was given; the others see what that one found."""


def _roots(node: Any) -> Iterator[str]:
    if not is_object(node):
        return
    kind, children = node["type"], items(node.get("children"))
    if kind == "field":
        yield node["value"]
    elif kind != "expref":
        for child in children[:1] if kind in FIRST_ALONE else children:
            yield from _roots(child)


def _classes(kind: str) -> tuple[str, ...]:
    """The names of Python's classes that are of a kind of JMESPath's."""
    names = REVERSE_TYPES_MAP[kind]
    return (*names, THEIRS) if TEXT in names else names


def _numbers(*values: Any) -> bool:
    return all(map(is_number, values))


def _round(number: float, digits: int) -> float:
    """Rounded; a whole number without its point."""
    return plain_number(round(float(number), digits))


def _totals(rows: list[JSON], names: list[str]) -> JSON:
    """The sum of each of these numbers; None where no row has it."""
    found: JSON = {}
    for name in names:
        numbers = [value for row in rows if _numbers(value := _at(row, name))]
        found[name] = _round(sum(numbers), 6) if numbers else None
    return found


def _at(value: Any, path: str) -> Any:
    """What is at a dotted path, None where nothing is."""
    for part in path.split("."):
        value = mapping(value).get(part)
    return value


def _plain(value: Any) -> str:
    """A text or a number on one line; nothing for anything else."""
    known = isinstance(value, str) or is_number(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = BLANKS.sub(" ", str(value)).strip() if known else ""
    return UserText(text) if isinstance(value, UserText) else text


def _brief(value: JSON, first: list[str], most: int) -> str | None:
    """The most telling texts and numbers of an object in a line: those named first, then others as they come."""
    names = [*(name for name in first if name in value), *(name for name in value if name not in first)]
    told: list[str] = []
    for name in names:
        inner = value[name]
        said = joined([*filter(None, map(_plain, inner[:3]))]) if is_list(inner) else _plain(inner)
        if said and not name.startswith("$") and len(told) < most:
            told.append(name + ": " + (said if len(said) <= LONGEST_SAID else said[: LONGEST_SAID - 1] + "…"))
    return joined(told, "; ") or None


def _likeness(record: JSON, names: list[str], wanted: str) -> int:
    """0 for the same text but for case, 1 for one that begins so, 2 for one that holds it, 3 for one with its words."""
    texts = [str(text).casefold() for name in names if (text := _at(record, name)) is not None]
    words = wanted.split()
    ranks = [
        0 if text == wanted else 1 if text.startswith(wanted) else 2 if wanted in text else 3
        for text in texts
        if wanted in text or all(word in text for word in words)
    ]
    return min(ranks, default=4)


def _without_null(value: Any) -> Any:
    if is_object(value):
        return {key: _without_null(inner) for key, inner in value.items() if inner is not None}
    if is_list(value):
        return [_without_null(inner) for inner in value]
    return value
