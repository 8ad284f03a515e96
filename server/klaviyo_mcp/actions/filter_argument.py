"""The `filter` argument: Klaviyo's text or a list of conditions, checked against the fields an operation can filter by.

What leaves here is text that Klaviyo accepts. A wrong field or operator is answered with the nearest right one.
"""

import json
from itertools import islice
from math import isfinite
from typing import Any

from klaviyo_mcp.actions.errors import Problem
from klaviyo_mcp.actions.formats import FORMAT_FIXES, is_date, is_time
from klaviyo_mcp.actions.hints import name_meant, value_meant
from klaviyo_mcp.actions.settled import NOTHING, Settled
from klaviyo_mcp.klaviyo.filters import Bare, Condition, FilterSyntaxError, parse, render
from klaviyo_mcp.loose_json import JSON, did_you_mean, is_list, is_object, items, objects
from klaviyo_mcp.registry.id_forms import ID_FORMS
from klaviyo_mcp.registry.model import FilterField

MOST_CONDITIONS = 1_000
"""Conditions of one filter; an address has no room for more."""
MOST_TOLD = 100
"""Values of one condition that are told as wrong."""
FILTER_FIX = "Send a list of {field, operator, value}"


def check_filter(
    given: Any,
    fields: dict[str, FilterField],
    arguments: dict[str, str] | None = None,
    settled: Settled = NOTHING,
) -> tuple[Any, list[Problem]]:
    """The filter as text, and what is wrong with it. An operation without `fields` takes any well-formed filter.

    `arguments` names the fields that an argument of their own is given for, which a filter could only contradict.
    What is named in place of an id, and was looked up, is `settled`.
    """
    if isinstance(given, str) and given.lstrip().startswith("["):
        return given, [Problem("filter", "is not a list in JSON", FILTER_FIX)]
    if len(items(given)) > MOST_CONDITIONS:
        return given, [_too_many(len(items(given)))]
    if lost := [index for index, entry in enumerate(items(given)) if not is_object(entry)]:
        return given, [Problem(f"filter[{index}]", "is no condition", FILTER_FIX) for index in lost]
    places: list[tuple[str, Condition]]
    if isinstance(given, str):
        try:
            places = [("filter", condition) for condition in parse(given)]
        except FilterSyntaxError as error:
            return given, [Problem("filter", str(error), 'Write it like equals(field,"value"), joined with commas')]
        if len(places) > MOST_CONDITIONS:
            return given, [_too_many(len(places))]
    else:
        places = [
            (f"filter[{index}]", Condition(entry["field"], entry["operator"], entry.get("value")))
            for index, entry in enumerate(objects(given))
        ]
    places = [(where, _with_ids(condition, fields, settled)) for where, condition in places]
    checked = [_check(condition, fields, where) for where, condition in places]
    problems = [problem for _, found in checked for problem in found]
    if arguments and not problems:
        problems = [
            Problem(where, f"{condition.field} has an argument of its own", f"Use {arguments[condition.field]} instead")
            for where, condition in places
            if condition.field in arguments
        ]
    return (given if problems else render([condition for condition, _ in checked])), problems


def _with_ids(condition: Condition, fields: dict[str, FilterField], settled: Settled) -> Condition:
    """A condition with the ids of what it names."""
    kind = fields[condition.field].format if condition.field in fields else None
    if kind is None or not settled.things:
        return condition
    value: Any = condition.value
    if is_list(value):
        value = [settled.id_of(kind, _text(one)) or one for one in value]
    else:
        value = settled.id_of(kind, _text(value)) or value
    return Condition(condition.field, condition.operator, value)


def _too_many(count: int) -> Problem:
    return Problem("filter", f"has {count:,} conditions, at most {MOST_CONDITIONS:,} are looked at", "Send fewer")


def condition_text(template: JSON, fields: dict[str, FilterField]) -> str:
    """The text of one condition that a spec itself writes; its value has been validated as an argument."""
    condition, _ = _check(Condition(template["field"], template["operator"], template.get("value")), fields, "")
    return render([condition])


def _check(condition: Condition, fields: dict[str, FilterField], where: str) -> tuple[Condition, list[Problem]]:
    """A condition with its value in the right form for its field, and what is wrong with it."""
    if not fields:
        return condition, []
    known = fields.get(condition.field)
    if known is None:
        meant = name_meant(condition.field, fields)
        fix = f"{f'Did you mean {meant!r}?' if meant else ''} Fields are: {', '.join(fields)}".strip()
        return condition, [Problem(where, f"cannot filter by {condition.field!r}", fix)]
    operators = [*dict.fromkeys([*known.one, *known.many, *known.alone])]
    if condition.operator not in operators:
        asked = condition.operator.replace("_", "-")
        fix = did_you_mean(asked, operators)
        allowed = f"{condition.field} takes: {', '.join(operators)}"
        return condition, [
            Problem(where, f"{condition.field} has no operator {condition.operator!r}", f"{fix} {allowed}".strip())
        ]
    if condition.operator in known.alone and condition.value is None:
        return condition, []
    many = isinstance(condition.value, list)
    # Klaviyo's document lists `equals` under lists for some fields that take a single value all the same.
    if condition.value is None or (many and condition.operator not in known.many):
        wanted = "one value, not a list" if many else "a value"
        return condition, [Problem(where, f"{condition.operator} on {condition.field} needs {wanted}")]
    if not many and condition.operator == "any":
        single: Any = condition.value
        condition = Condition(condition.field, condition.operator, [single])
    values: list[Any] = condition.value if isinstance(condition.value, list) else [condition.value]
    typed = [_typed(value, known) for value in values]
    problems = [
        Problem(
            where, f"{_text(value)!r} is not {WANTED[known.type]}, which {condition.field} needs", FIXES[known.type]
        )
        for value, new in zip(values, typed, strict=True)
        if new is None
    ]
    if known.format:
        wrong = (value for value in values if not _has_form(value, known.format or ""))
        problems += [_not_an_id(where, value, known.format) for value in islice(wrong, MOST_TOLD)]
    if known.enum:
        wrong = (value for value in values if _text(value) not in map(str, known.enum or []))
        problems += [_not_allowed(where, value, known) for value in islice(wrong, MOST_TOLD)]
    made: Any = typed if isinstance(condition.value, list) else typed[0]
    return Condition(condition.field, condition.operator, made), problems


WANTED = {
    "string": "text",
    "datetime": "a time",
    "date": "a day",
    "boolean": "true or false",
    "number": "a number",
    "integer": "a whole number",
}
FIXES = {
    "string": "Put text in quotes",
    "datetime": "Use RFC 3339, like 2026-11-30T09:00:00Z, without quotes",
    "date": "Use YYYY-MM-DD, without quotes",
    "boolean": "Use true or false",
    "number": "Use a number, without quotes",
    "integer": "Use a whole number, without quotes",
}


def _typed(value: Any, known: FilterField) -> Any:
    """The value as it must be written for its field's type, or None when it cannot be."""
    text = _text(value)
    match known.type:
        case "string":
            return value if isinstance(value, str) else None if isinstance(value, Bare) else text
        case "datetime":
            return Bare(text if is_time(text) else f"{text}T00:00:00Z") if is_time(text) or is_date(text) else None
        case "date":
            return Bare(text) if is_date(text) else None
        case "boolean":
            return {"true": True, "false": False}.get(text.lower())
        case "number" | "integer":
            return _number(text, whole=known.type == "integer")


def _number(text: str, *, whole: bool) -> int | float | None:
    """The number in a text, or None. Whole numbers do not go by way of a float, which would round large ones."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None if whole or not isfinite(number) else number


def _text(value: Any) -> str:
    if isinstance(value, Bare):
        return value.text
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _has_form(value: Any, kind: str) -> bool:
    return ID_FORMS[kind].fits(_text(value))


def _not_an_id(where: str, value: Any, kind: str) -> Problem:
    problem, fix = FORMAT_FIXES[kind]
    return Problem(where, f"{_text(value)!r} {problem}", fix, (kind, _text(value)))


def _not_allowed(where: str, value: Any, known: FilterField) -> Problem:
    allowed = [str(item) for item in known.enum or []]
    meant = value_meant(_text(value), allowed)
    fix = f"Did you mean {meant!r}?" if meant else f"Allowed: {', '.join(allowed)}"
    return Problem(where, f"{_text(value)!r} is not one of the allowed values", fix)
