"""Filters as people write them, `{"email": "x"}` and `email = "x"`, read as the conditions they can only mean.

A field and an operator that its field has are asked for; what else is meant is answered by `filter_argument`.
"""

import re
from typing import Any

from klaviyo_mcp.actions.argument_names import plain, respelt
from klaviyo_mcp.actions.unpacking import unpacked
from klaviyo_mcp.loose_json import JSON, is_list, is_object
from klaviyo_mcp.registry.model import FilterField

SIGNS = {
    "=": "equals",
    "==": "equals",
    ">": "greater-than",
    ">=": "greater-or-equal",
    "<": "less-than",
    "<=": "less-or-equal",
}
COMPARISON = re.compile(
    r"""\s*(?P<field>[A-Za-z_$][\w.$-]*)\s*(?P<sign>==|>=|<=|=|>|<)\s*
    (?P<value>"[^"]*"|'[^']*'|[^\s"'=<>()\[\],]+)\s*""",
    re.VERBOSE,
)
AND = re.compile(r"(?:and\b|&&|,)", re.IGNORECASE)


def read_filter(given: Any, fields: dict[str, FilterField]) -> Any:
    """The list of `{field, operator, value}` that a filter means, or what was given where it is none of these forms."""
    if isinstance(given, str):
        return _compared(given, fields) or given
    if is_object(given):
        entry = _entry(given, fields)
        return [entry] if entry is not None else _by_field(given, fields) or given
    if is_list(given):
        return [_entry(entry, fields) or entry if is_object(entry) else entry for entry in given]
    return given


def unpacked_filter(given: Any) -> Any:
    """A filter whose list or conditions came as JSON in texts, with those taken for what they are."""
    whole = _container(given)
    return [_container(entry) for entry in whole] if is_list(whole) else whole


def _container(given: Any) -> Any:
    """The list or object that a text is the JSON of; anything else as it is."""
    return unpacked(given, {"array", "object"}) if isinstance(given, str) else given


def _entry(given: JSON, fields: dict[str, FilterField]) -> JSON | None:
    """A condition with its keys, field and operator in the right spelling, None for another object."""
    keys = {plain(key): key for key in given}
    if not {"field", "operator"} <= keys.keys() or not keys.keys() <= {"field", "operator", "value"}:
        return None
    entry = {name: given[key] for name, key in keys.items()}
    field = _field(entry["field"], fields)
    if field is None:
        return entry
    operator = _operator(entry["operator"], fields[field])
    if operator in fields[field].many and "value" in entry:
        entry["value"] = _container(entry["value"])
    return {**entry, "field": field, "operator": operator or entry["operator"]}


def _by_field(given: JSON, fields: dict[str, FilterField]) -> list[JSON] | None:
    """The conditions of `{email: x}` and `{created: {greater-than: x}}`, None unless all of them are clear."""
    found: list[JSON] = []
    for key, value in given.items():
        field = _field(key, fields)
        if field is None:
            return None
        asked = value if is_object(value) else {"any" if is_list(value) else "equals": value}
        for word, wanted in asked.items():
            condition = _condition(field, word, wanted, fields[field])
            if condition is None:
                return None
            found.append(condition)
    return found


def _compared(text: str, fields: dict[str, FilterField]) -> list[JSON] | None:
    """The conditions of `email = x and created > 2026-01-01`, None for any other text."""
    found: list[JSON] = []
    at = 0
    while (match := COMPARISON.match(text, at)) is not None:
        field = _field(match["field"], fields)
        value = match["value"][1:-1] if match["value"][0] in "\"'" else match["value"]
        condition = _condition(field, SIGNS[match["sign"]], value, fields[field]) if field else None
        if condition is None:
            return None
        found.append(condition)
        if match.end() == len(text):
            return found
        joint = AND.match(text, match.end())
        if joint is None:
            return None
        at = joint.end()
    return None


def _condition(field: str, word: str, value: Any, known: FilterField) -> JSON | None:
    operator = _operator(word, known)
    if operator is None and word == "equals" and "any" in known.many:
        operator = "any"
    return None if operator is None else {"field": field, "operator": operator, "value": value}


def _field(given: object, fields: dict[str, FilterField]) -> str | None:
    if not isinstance(given, str):
        return None
    return given if given in fields else respelt(given, dict(fields))


def _operator(given: object, known: FilterField) -> str | None:
    operators = dict.fromkeys([*known.one, *known.many, *known.alone])
    if not isinstance(given, str):
        return None
    return given if given in operators else respelt(given, operators)
