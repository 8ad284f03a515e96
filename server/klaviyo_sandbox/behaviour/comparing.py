"""The filters inside a segment's conditions: whether a value fits, and which times a filter on dates spans."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from klaviyo_sandbox.clock import microseconds, parse_moment
from klaviyo_sandbox.loose_json import is_list

_EVER = (-(2**62), 2**62)
_NEVER = (1, 0)


def compares(chosen: Mapping[str, Any], value: Any, now: datetime) -> bool:
    """Whether `value` fits a filter such as {"type": "numeric", "operator": "greater-than", "value": 5}.

    What is not there, or is of another type, fits negated filters only.
    """
    operator: str = chosen.get("operator", "")
    wanted: Any = chosen.get("value")
    positive = _POSITIVE.get(operator)
    if positive is not None:
        return not compares({**chosen, "operator": positive}, value, now)
    match chosen.get("type"):
        case "existence":
            return value is not None
        case "boolean":
            return isinstance(value, bool) and value == wanted
        case "numeric":
            number = _number(value)
            return number is not None and _ORDER[operator](number, wanted)
        case "string":
            return value is not None and not isinstance(value, (dict, list)) and _text(operator, str(value), wanted)
        case "list":
            return is_list(value) and _listed(operator, value, wanted)
        case "date":
            moment = parse_moment(value) if isinstance(value, str) else None
            return moment is not None and _dated(chosen, moment, now)
        case _:
            return False


def moment_range(chosen: Mapping[str, Any] | None, now: datetime) -> tuple[int, int]:
    """The first and last microsecond (since 1970) of a date filter; everything when there is no filter."""
    if not chosen:
        return _EVER
    amount = _UNITS[chosen["unit"]] if "unit" in chosen else timedelta()
    try:
        match chosen["operator"]:
            case "alltime":
                return _EVER
            case "after":
                return _at(chosen["date"]) + 1, _EVER[1]
            case "before":
                return _EVER[0], _at(chosen["date"]) - 1
            case "between-static":
                return _at(chosen["start"]), _at(chosen["end"])
            case "in-the-last":
                return microseconds(now - amount * chosen["quantity"]), microseconds(now)
            case "at-least":
                return _EVER[0], microseconds(now - amount * chosen["quantity"])
            case "in-the-next":
                return microseconds(now), microseconds(now + amount * chosen["quantity"])
            case "between":
                ends = (now - amount * chosen["start"], now - amount * chosen["end"])
                return microseconds(min(ends)), microseconds(max(ends))
            case _:
                return _NEVER
    except OverflowError:
        # A span that begins before the first year, or ends after the last, leaves that end open.
        return (microseconds(now), _EVER[1]) if chosen["operator"] == "in-the-next" else (_EVER[0], microseconds(now))


def _at(text: str) -> int:
    moment = parse_moment(text)
    return _EVER[1] - 1 if moment is None else microseconds(moment)


def _dated(chosen: Mapping[str, Any], moment: datetime, now: datetime) -> bool:
    match chosen["operator"]:
        case "calendar-month" | "anniversary-month":
            return moment.month == chosen.get("value", now.month)
        case "anniversary":
            return (moment.month, moment.day) == (now.month, now.day)
        case "anniversary-last" | "anniversary-next":
            days = chosen["quantity"] * (_UNITS[chosen["unit"]] / _UNITS["day"])
            return any(0 <= (later - earlier).days <= days for earlier, later in _anniversaries(chosen, moment, now))
        case _:
            earliest, latest = moment_range(chosen, now)
            return earliest <= microseconds(moment) <= latest


def _anniversaries(chosen: Mapping[str, Any], moment: datetime, now: datetime) -> list[tuple[datetime, datetime]]:
    """Pairs of the present day and an anniversary around it, the earlier one first."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    # The 29th of February is celebrated on the 28th.
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    found = [today.replace(year=today.year + step, month=moment.month, day=day) for step in (-1, 0, 1)]
    if chosen["operator"] == "anniversary-last":
        return [(anniversary, today) for anniversary in found]
    return [(today, anniversary) for anniversary in found]


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _text(operator: str, value: str, wanted: Any) -> bool:
    have = value.lower()
    match operator:
        case "in":
            return have in [str(item).lower() for item in wanted]
        case "phone-country-code-in":
            return any(_has_country(have, str(code)) for code in wanted)
        case "regex":
            try:
                return re.search(wanted or "", value) is not None
            except re.error:
                return False
        case _:
            return _MATCHES[operator](have, str(wanted or "").lower())


def _has_country(number: str, code: str) -> bool:
    prefix = _CALLING_CODES.get(code.upper(), code.lstrip("+"))
    return number.startswith(f"+{prefix}")


def _listed(operator: str, value: list[Any], wanted: Any) -> bool:
    match operator:
        case "contains":
            return wanted in value
        case "contains-any":
            return any(item in value for item in wanted)
        case "contains-all":
            return all(item in value for item in wanted)
        case "contains-substring":
            return any(str(wanted or "").lower() in str(item).lower() for item in value)
        case _:
            return _ORDER[operator.removeprefix("length-")](len(value), wanted)


_UNITS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}
_ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "equals": lambda value, wanted: value == wanted,
    "greater-than": lambda value, wanted: value > wanted,
    "greater-than-or-equal": lambda value, wanted: value >= wanted,
    "less-than": lambda value, wanted: value < wanted,
    "less-than-or-equal": lambda value, wanted: value <= wanted,
}
_MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "equals": str.__eq__,
    "contains": str.__contains__,
    "starts-with": str.startswith,
    "ends-with": str.endswith,
}
_POSITIVE = {
    "not-equals": "equals",
    "not-contains": "contains",
    "not-starts-with": "starts-with",
    "not-ends-with": "ends-with",
    "nregex": "regex",
    "not-in": "in",
    "phone-country-code-not-in": "phone-country-code-in",
    "not-contains-any": "contains-any",
    "not-contains-all": "contains-all",
    "not-contains-substring": "contains-substring",
    "not-set": "is-set",
}
_CALLING_CODES = {
    "US": "1",
    "CA": "1",
    "GB": "44",
    "DE": "49",
    "FR": "33",
    "ES": "34",
    "IT": "39",
    "NL": "31",
    "BE": "32",
    "AT": "43",
    "CH": "41",
    "IE": "353",
    "SE": "46",
    "NO": "47",
    "DK": "45",
    "FI": "358",
    "PL": "48",
    "PT": "351",
    "AU": "61",
    "NZ": "64",
    "JP": "81",
    "BR": "55",
    "MX": "52",
    "IN": "91",
    "ZA": "27",
}
