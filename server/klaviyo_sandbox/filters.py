"""Klaviyo's filter language: from `greater-than(created,2026-01-01T00:00:00Z),equals(email,"a@b.org")` to SQL.

A filter is one or more conditions, all of which must hold, joined by commas or by `and(…)`. Strings are in double or
single quotes; numbers, booleans and datetimes are bare; lists are in square brackets.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from klaviyo_sandbox.clock import microseconds, parse_moment
from klaviyo_sandbox.declare import Lookup
from klaviyo_sandbox.errors import ApiError, invalid_parameter
from klaviyo_sandbox.facts import ColumnKind, Filter

INVALID_FILTER = "Invalid filter provided"


class Bare(str):
    """A value that was written without quotes: a number, a boolean or a datetime."""

    __slots__ = ()


Value = str | Bare | list["str | Bare"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One `operator(field,value)`; `has(field)` has no value."""

    operator: str
    field: str
    value: Value | None


@dataclass(frozen=True, slots=True)
class Where:
    """An SQL condition and the values for its question marks.

    test: the condition, in which `{column}` stands for `column`
    column: the column of the resource itself that is compared; empty where it is another's, or an expression
    exact: whether it asks for equality, which an index finds at once and in the order of another column
    field: the field of the filter it was made from; `listed` when that had a list of values
    """

    test: str
    parameters: tuple[Any, ...] = ()
    column: str = ""
    exact: bool = False
    field: str = ""
    listed: bool = False

    @property
    def sql(self) -> str:
        """The whole condition."""
        return self.test.format(column=self.column) if self.column else self.test

    def without_index(self) -> "Where":
        """The same condition, for which SQLite does not use an index: it uses none on an expression."""
        return replace(self, column=f"+{self.column}") if self.column else self


def bare_moment(text: str) -> datetime | None:
    """The moment of a filter's bound, in which a plus sign that was not encoded has become a space."""
    return parse_moment(text) or parse_moment(_UNENCODED_PLUS.sub("+", text))


def parse(text: str) -> list[Condition]:
    """The conditions of a filter string. Raises ApiError (400) when it does not follow the grammar."""
    return _Parser(text).conditions()


def compile_filter(
    conditions: list[Condition],
    allowed: Mapping[str, Filter],
    lookups: Mapping[str, Lookup],
    resource: str,
    required: tuple[str, ...] = (),
) -> list[Where]:
    """SQL for `conditions`, each checked against what the operation allows. Raises ApiError (400)."""
    named = {condition.field for condition in conditions}
    if required and not named & set(required):
        wanted = " or ".join(f"'{name}'" for name in required)
        raise invalid_parameter("filter", f"A filter on {wanted} is required for the resource '{resource}'.")
    return [
        replace(
            _compile(condition, allowed, lookups.get(condition.field, Lookup()), resource),
            listed=isinstance(condition.value, list),
        )
        for condition in conditions
    ]


class _Parser:
    """Recursive descent over the grammar above."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def conditions(self) -> list[Condition]:
        found = self.sequence()
        if self.at != len(self.text):
            raise self.broken("unexpected text after the last condition")
        return found

    def sequence(self) -> list[Condition]:
        found = self.condition()
        while self.skip(","):
            found += self.condition()
        return found

    def condition(self) -> list[Condition]:
        operator = self.match(_OPERATOR)
        if operator is None or not self.skip("("):
            raise self.broken("expected an operator such as equals(field,value)")
        if operator == "and":
            inner = self.sequence()
            self.expect(")")
            return inner
        field = self.match(_FIELD)
        if field is None:
            raise self.broken("expected the name of a field")
        value = self.value() if self.skip(",") else None
        self.expect(")")
        if (value is None) != (operator == "has"):
            raise self.broken("has(field) takes no value; every other operator takes one")
        return [Condition(operator, field, value)]

    def value(self) -> Value:
        if not self.skip("["):
            return self.scalar()
        values: list[str | Bare] = []
        if not self.skip("]"):
            values.append(self.scalar())
            while self.skip(","):
                values.append(self.scalar())
            self.expect("]")
        return values

    def scalar(self) -> str | Bare:
        self.spaces()
        if self.at < len(self.text) and self.text[self.at] in "\"'":
            quoted = self.match(_QUOTED)
            if quoted is None:
                raise self.broken("a string is not closed")
            return re.sub(r"\\(.)", r"\1", quoted[1:-1], flags=re.DOTALL)
        bare = self.match(_BARE)
        if bare is None:
            raise self.broken("expected a value")
        return Bare(bare)

    def spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def match(self, pattern: re.Pattern[str]) -> str | None:
        self.spaces()
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.group()

    def skip(self, mark: str) -> bool:
        self.spaces()
        if self.text.startswith(mark, self.at):
            self.at += len(mark)
            self.spaces()
            return True
        return False

    def expect(self, mark: str) -> None:
        if not self.skip(mark):
            raise self.broken(f"expected {mark!r}")

    def broken(self, reason: str) -> ApiError:
        return invalid_parameter("filter", f"{INVALID_FILTER}: {reason} at position {self.at}.")


_OPERATOR = re.compile(r"[a-z][a-z-]*")
# Dimensions of metric aggregates, such as Campaign Name, have spaces inside.
_FIELD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.-]*(?: [A-Za-z0-9_$.-]+)*")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'', re.DOTALL)
# A datetime may have a space in place of its T, and one where a plus sign was not encoded.
_BARE = re.compile(r"[^\s,()\[\]\"']+(?: +[^\s,()\[\]\"']+)*")
_UNENCODED_PLUS = re.compile(r" (?=\d{2}:?\d{2}$)")

# Beyond any amount or timestamp, and within what SQLite can compare.
_LARGEST_NUMBER = 1e12

_COMPARISONS = {
    "equals": "=",
    "greater-than": ">",
    "greater-or-equal": ">=",
    "less-than": "<",
    "less-or-equal": "<=",
}
_PATTERNS = {
    "contains": "instr(lower({column}), lower(?)) > 0",
    "starts-with": "lower(substr({column}, 1, length(?))) = lower(?)",
    "ends-with": "lower(substr({column}, -length(?))) = lower(?)",
}


def _compile(condition: Condition, allowed: Mapping[str, Filter], lookup: Lookup, resource: str) -> Where:
    rule = allowed.get(condition.field)
    if rule is None:
        raise invalid_parameter("filter", f"'{condition.field}' is not a valid field for the resource '{resource}'.")
    value = condition.value
    # Where Klaviyo's document lists `equals` for lists alone, it has always taken a single value too.
    single = {*rule.single, *(("equals",) if "equals" in rule.listed else ())}
    if condition.operator not in (rule.listed if isinstance(value, list) else single):
        raise _wrong_operator(condition, rule)
    column = lookup.column or condition.field
    exact = isinstance(value, list) or condition.operator == "equals"
    if value is None:
        test, values = "{column} IS NOT NULL", ()
    elif isinstance(value, list):
        values = tuple(_convert(item, rule, lookup, condition.field) for item in value)
        test = f"{{column}} IN ({', '.join('?' * len(values))})"
    elif condition.operator in _PATTERNS:
        test = _PATTERNS[condition.operator]
        values = (_convert(value, rule, lookup, condition.field),) * test.count("?")
    else:
        test = f"{{column}} {_COMPARISONS[condition.operator]} ?"
        values = (_convert(value, rule, lookup, condition.field),)
    if lookup.exists:
        # What is looked for is found by the keys of the other table.
        test = lookup.exists.format(test=test.format(column=column))
        return Where(test, values, exact=True, field=condition.field)
    if "." in column:
        return Where(test.format(column=column), values, exact=exact, field=condition.field)
    column = f'r."{column}"'
    if condition.operator in _PATTERNS:
        return Where(test.format(column=column), values, field=condition.field)
    return Where(test, values, column, exact, condition.field)


def _wrong_operator(condition: Condition, rule: Filter) -> ApiError:
    operator, field = condition.operator, condition.field
    known = dict.fromkeys((*rule.single, *rule.listed))
    if operator in known:
        detail = f"'{operator}' takes {'a list' if operator in rule.listed else 'one value'} for {field}."
    else:
        allowed = ", ".join(known)
        detail = f"'{operator}' is not an allowed filter operator for {field}.  Allowed operators are {allowed}"
    return invalid_parameter("filter", detail)


def _convert(value: str | Bare, rule: Filter, lookup: Lookup, field: str) -> str | int | float:
    """The value as the store keeps it."""
    converted = _converted(value, rule.kind, lookup)
    if converted is None:
        shown = {"text": "a quoted string", "moment": "a bare datetime", "number": "a number", "flag": "true or false"}
        raise invalid_parameter("filter", f"{INVALID_FILTER}: the value for '{field}' must be {shown[rule.kind]}.")
    if rule.choices and converted not in rule.choices:
        choices = ", ".join(rule.choices)
        raise invalid_parameter(
            "filter", f"'{converted}' is not a valid value for '{field}'. Choose one of: {choices}."
        )
    return converted


def _converted(value: str | Bare, kind: ColumnKind, lookup: Lookup) -> str | int | float | None:
    bare = isinstance(value, Bare)
    match kind:
        case "text":
            text = None if bare else str(value)
            return text.lower() if text is not None and lookup.lowercase else text
        case "moment":
            moment = bare_moment(value) if bare else None
            return None if moment is None else microseconds(moment)
        case "flag":
            return {"true": 1, "false": 0}.get(value.lower()) if bare else None
        case "number":
            try:
                number = float(value) if bare else None
            except ValueError:
                return None
            if number is None or not abs(number) < _LARGEST_NUMBER:
                return None
            return round(number * lookup.unit) if lookup.unit else number
