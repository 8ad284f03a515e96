"""How values are compared: numbers exactly, times as moments, other text without regard to case.

A number may stand in a text, as Klaviyo writes some so, but a text is a number beside a number only: ids and postal
codes are compared as they are written. Null and missing are one: they equal nothing, and only `not-equals` and
`exists: false` hold for them. Of several values, as in a list, one that fits is enough.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from klaviyo_mcp.answers.dotted import values_at
from klaviyo_mcp.loose_json import is_list, is_object

NUMBER = re.compile(r"\s*-?\d{1,60}(?:\.\d{1,60})?\s*")
"""A number in a text. A plus before it is a telephone number's."""
TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
OPERATORS: dict[str, tuple[str, ...]] = {
    "equals": ("=", "==", "eq", "is"),
    "not-equals": ("!=", "<>", "ne", "is-not"),
    "any": ("in", "one-of"),
    "contains": ("contains-any", "like", "has"),
    "starts-with": (),
    "ends-with": (),
    "greater-than": (">", "gt", "after"),
    "greater-or-equal": (">=", "gte", "ge"),
    "less-than": ("<", "lt", "before"),
    "less-or-equal": ("<=", "lte", "le"),
    "exists": (),
}
"""The operators, as filters of actions name them, and what else they are called."""
NAMED = {word: operator for operator, others in OPERATORS.items() for word in (operator, *others)}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a record; `operator` is one of OPERATORS, and `value` fits it (see `what_is_wrong`)."""

    field: str
    operator: str
    value: Any

    def holds(self, record: Any) -> bool:
        """Whether it holds for a record."""
        values = values_at(record, self.field)
        if self.operator == "exists":
            return bool(values) == self.value
        if self.operator == "not-equals":
            return not any(same(value, self.value) for value in values)
        test = TESTS[self.operator]
        return any(test(value, self.value) for value in values)


def number(value: Any) -> Decimal | None:
    """The number that a value is, exactly as it is written, or that stands in a text; None for any other."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        return Decimal(repr(value)) if isfinite(value) else None
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return Decimal(value.strip())
    return None


def moment(value: Any) -> datetime | None:
    """The time that a text is, in ISO 8601; UTC where it names no zone, and midnight where it is a date."""
    if not isinstance(value, str) or TIME.fullmatch(value) is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def same(value: Any, wanted: Any) -> bool:
    """Whether two single values are equal."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return _text(value) == _text(wanted)
    if isinstance(value, str) and isinstance(wanted, str):
        if (one := moment(value)) is not None and (other := moment(wanted)) is not None:
            return one == other
        return value.casefold() == wanted.casefold()
    one_number, other_number = number(value), number(wanted)
    if one_number is not None and other_number is not None:
        return one_number == other_number
    return bool(value == wanted)


def order(value: Any) -> tuple[int, Any]:
    """What values are sorted by: numbers, also in texts, then times, texts, booleans, and the rest."""
    if is_list(value) and len(value) == 1:
        value = value[0]
    if (found := number(value)) is not None:
        return 0, found
    if (time := moment(value)) is not None:
        return 1, time
    if isinstance(value, str):
        return 2, (value.casefold(), value)
    return (3, value) if isinstance(value, bool) else (4, _text(value))


def comparable(value: Any, wanted: Any) -> tuple[Any, Any] | None:
    """Both as what they are, where one can be greater than the other: two numbers, or two times. None where not."""
    for read in (number, moment):
        one, other = read(value), read(wanted)
        if one is not None and other is not None:
            return one, other
    return None


def what_is_wrong(operator: str, value: Any) -> str:
    """Why a value does not fit an operator, nothing where it does."""
    if operator == "exists":
        return "" if isinstance(value, bool) else "takes true or false"
    if operator == "any":
        fits = is_list(value) and value and not any(is_list(item) or is_object(item) for item in value)
        return "" if fits else "takes a list of values"
    if value is None or is_list(value) or is_object(value):
        return "takes one value; for null or missing, use exists with false"
    if operator in ("contains", "starts-with", "ends-with"):
        return "" if _text(value) else "takes some text"
    if operator not in ("equals", "not-equals") and number(value) is None and moment(value) is None:
        return "takes a number, or a time such as 2026-05-01 or 2026-05-01T12:00:00Z"
    return ""


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text.casefold()


def _compared(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(value: Any, wanted: Any) -> bool:
        both = comparable(value, wanted)
        return both is not None and test(*both)

    return holds


TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "equals": same,
    "any": lambda value, wanted: any(same(value, one) for one in wanted),
    "contains": lambda value, wanted: _text(wanted) in _text(value),
    "starts-with": lambda value, wanted: _text(value).startswith(_text(wanted)),
    "ends-with": lambda value, wanted: _text(value).endswith(_text(wanted)),
    "greater-than": _compared(lambda one, other: one > other),
    "greater-or-equal": _compared(lambda one, other: one >= other),
    "less-than": _compared(lambda one, other: one < other),
    "less-or-equal": _compared(lambda one, other: one <= other),
}
